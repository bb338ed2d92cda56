"""What `berth-python` and the fork server say to each other. Imports little: every worker's start waits for it.

The asker sends LENGTH and, with it, the open files of stdin, stdout and stderr; then LENGTH bytes of JSON, the Work. It
receives the worker's pid and, once that has ended, its exit code, or the negative number of the signal that killed it;
RENEWED and another pid where another fork has taken its place (renewal.py). Numbers are 4 bytes, big-endian, signed.
"""

import json
import os
import socket
from collections.abc import Mapping, Sequence
from typing import NamedTuple

ADDRESS_VARIABLE = "BERTH_FORK_SERVER"
# TorchServe reads this too, and ends where it is no list of numbers but names GPUs by their UUIDs, or a part of one. So
# workers are given it under another name, and TorchServe is not.
VISIBLE_GPUS = "CUDA_VISIBLE_DEVICES"
WORKER_GPUS = "BERTH_VISIBLE_DEVICES"
SOCKET = "forks"
"""The socket's name in the run folder."""
STREAMS = (0, 1, 2)
NUMBER_BYTES = 4
RENEWED = -(2**31)
"""No exit code, and no signal."""
GRANTED = 0
"""The answer to a worker that asks for another in its place: it is to end now."""


class Work(NamedTuple):  # a dataclass would import more than all else here
    """A program to run, as a `python` would be started with it."""

    arguments: Sequence[str]
    """The script and its arguments."""
    folder: str
    environment: Mapping[str, str]
    files: Sequence[int]
    """Open files, one for each of STREAMS, and behind them the connection to java of a worker that is renewed."""
    load: Mapping[str, object] | None = None
    """What java asked a worker to load that is renewed; its place is taken once it has ended."""


def send_work(connection: socket.socket, work: Work) -> None:
    """Ask for a fork; OSError when the fork server is gone."""
    body = json.dumps([work.arguments, work.folder, dict(work.environment), work.load]).encode()
    socket.send_fds(connection, [_to_bytes(len(body))], work.files)
    connection.sendall(body)


def receive_work(connection: socket.socket) -> Work:
    """What is asked for; EOFError when the asker is gone before all has come, ValueError for anything but a Work."""
    length, files, _, _ = socket.recv_fds(connection, NUMBER_BYTES, len(STREAMS) + 1)
    try:
        body = connection.recv(_from_bytes(length), socket.MSG_WAITALL)
        arguments, folder, environment, load = json.loads(body)
        needed = len(STREAMS) + (load is not None)
        if len(files) != needed:
            raise ValueError(f"{len(files)} files came with the work; {needed} are needed")
    except BaseException:
        close_files(files)
        raise
    return Work(arguments, folder, environment, files, load)


def close_files(files: Sequence[int]) -> None:
    """Close every file."""
    for file in files:
        os.close(file)


def send_number(connection: socket.socket, number: int) -> None:
    """Send a pid or an exit code."""
    connection.sendall(_to_bytes(number))


def receive_number(connection: socket.socket) -> int:
    """Receive a pid or an exit code; EOFError when the fork server is gone."""
    return _from_bytes(connection.recv(NUMBER_BYTES, socket.MSG_WAITALL))


def _to_bytes(number: int) -> bytes:
    return number.to_bytes(NUMBER_BYTES, "big", signed=True)


def _from_bytes(received: bytes) -> int:
    if len(received) < NUMBER_BYTES:
        raise EOFError
    return int.from_bytes(received, "big", signed=True)
