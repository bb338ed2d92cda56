"""What `berth-python` and the fork server say to each other. Imports little: every worker's start waits for it.

LENGTH and, beside it, the files of stdin, stdout and stderr; then LENGTH bytes of JSON, the Work. What goes back is the
worker's pid and, when it has ended, its exit code, negative for a signal's. Numbers are 4 bytes, big-endian, signed.
"""

import json
import os
import socket
from collections.abc import Mapping, Sequence
from typing import NamedTuple

ADDRESS_VARIABLE = "BERTH_FORK_SERVER"
SOCKET = "forks"
"""In the run folder."""
STREAMS = (0, 1, 2)
NUMBER_BYTES = 4


class Work(NamedTuple):  # a dataclass would import more than all else here
    """A program to run: what a `python` is started with."""

    arguments: Sequence[str]
    """The script first."""
    folder: str
    environment: Mapping[str, str]
    files: Sequence[int]
    """For STREAMS, open."""


def send_work(connection: socket.socket, work: Work) -> None:
    """Raises OSError where the server is gone."""
    body = json.dumps([work.arguments, work.folder, dict(work.environment)]).encode()
    socket.send_fds(connection, [_to_bytes(len(body))], work.files)
    connection.sendall(body)


def receive_work(connection: socket.socket) -> Work:
    """Raises EOFError where the sender is gone before all of it is there, ValueError for what is none."""
    length, files, _, _ = socket.recv_fds(connection, NUMBER_BYTES, len(STREAMS))
    try:
        body = connection.recv(_from_bytes(length), socket.MSG_WAITALL)
        arguments, folder, environment = json.loads(body)
        if len(files) < len(STREAMS):
            raise ValueError(f"{len(files)} files came along, and {len(STREAMS)} are needed")
    except BaseException:
        close_files(files)
        raise
    return Work(arguments, folder, environment, files)


def close_files(files: Sequence[int]) -> None:
    """All of them."""
    for file in files:
        os.close(file)


def send_number(connection: socket.socket, number: int) -> None:
    """A pid or an exit code."""
    connection.sendall(_to_bytes(number))


def receive_number(connection: socket.socket) -> int:
    """Raises EOFError where the server is gone."""
    return _from_bytes(connection.recv(NUMBER_BYTES, socket.MSG_WAITALL))


def _to_bytes(number: int) -> bytes:
    return number.to_bytes(NUMBER_BYTES, "big", signed=True)


def _from_bytes(received: bytes) -> int:
    if len(received) < NUMBER_BYTES:
        raise EOFError
    return int.from_bytes(received, "big", signed=True)
