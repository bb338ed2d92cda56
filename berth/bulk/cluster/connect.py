"""A Ray cluster: one that is there, or one of this command's own, which ends with it."""

import logging
import os
import secrets
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ...errors import BerthError, ServerUnreachable
from ...machine.machine import Machine
from ...machine.quantities import MIB
from ..job import RAY_LOCAL

CONNECT_S = 10.0
STORE_BYTES = 256 * MIB
"""Of a local cluster's object store: claims of 4 MiB that were read ahead, a record of 64 MiB among them."""
QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_enable_metrics_collection": "0", "RAY_BACKEND_LOG_LEVEL": "fatal"}


def set_environment(address: str) -> None:
    """What Ray reads while it is imported: no statistics leave the machine, and its logs stay in their files."""
    os.environ.update(QUIET)
    if address == RAY_LOCAL:  # or Ray would leave a token in the home folder
        os.environ.update(RAY_AUTH_MODE="token", RAY_AUTH_TOKEN=secrets.token_hex(32))


@contextmanager
def connected(address: str, machine: Machine) -> Iterator[None]:
    """Join a cluster, or start one of this machine's cores and GPUs; ServerUnreachable where none answers."""
    import ray  # noqa: PLC0415 - after its environment

    _require_listener(address)
    folder = tempfile.mkdtemp(prefix="berth-ray-") if address == RAY_LOCAL else None
    own: dict[str, Any] = {}
    if folder:
        own = {"num_cpus": machine.cores, "num_gpus": machine.num_gpus, "include_dashboard": False}
        own |= {"object_store_memory": STORE_BYTES, "_temp_dir": folder}
    try:
        _connect(address, own)
        yield
    finally:
        ray.shutdown()
        if folder:
            shutil.rmtree(folder, ignore_errors=True)


def _require_listener(address: str) -> None:
    """ServerUnreachable where nothing listens: Ray itself asks for minutes."""
    host, is_named, port = address.removeprefix("ray://").rpartition(":")
    if not is_named:
        return
    try:
        socket.create_connection((host, int(port)), CONNECT_S).close()
    except (OSError, ValueError) as error:
        raise ServerUnreachable(f"no Ray cluster answers at {address}: {error}; is it the head's?") from error


def _connect(address: str, own: dict[str, Any]) -> None:
    import ray  # noqa: PLC0415

    try:
        with _hushed():
            ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR, **own)
    except Exception as error:  # of many kinds: where a node does not start in 30 s, Ray raises Exception itself
        said = str(error).strip().partition("\n")[0]
        if own:
            raise BerthError(f"Ray could not start a cluster on this machine: {said}") from error
        raise ServerUnreachable(
            f"no Ray cluster lets this machine in at {address}: {said}; HOST:PORT and auto need a node of the cluster "
            "on this machine (ray start --address=HOST:PORT)"
        ) from error


@contextmanager
def _hushed() -> Iterator[None]:
    """Keep Ray's native code from writing to stderr that it was told to be quiet; what fails is raised."""
    kept = os.dup(2)
    nothing = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nothing, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nothing)
