"""The temporary folder full, to its last byte and file: of a server that runs, and of one that is to start."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.support.servers import Server, running_server, started_server

from ..clients import LOST, WRONG, Asker, Tally
from ..front import haproxy
from ..served.models import pack_sample
from ..table import table, verdict
from .counted import CALM_S, HEADER, asker_of, require_ready, row, sum_of, under_load

NO_DISK = "skipped: no tmpfs can be mounted here"
DISK_BYTES, DISK_FILES = 16 << 20, 400
CHUNK = bytes(1 << 16)


def run(folder: Path) -> Iterator[str]:
    archive = pack_sample(folder)
    with small_disk(folder / "disk") as disk:
        if disk is None:
            yield NO_DISK
            return
        yield from fill_while_it_serves(archive, disk)
        with filled(disk):
            with running_server([archive], {"TMPDIR": str(disk)}):
                yield verdict(True, "a start with a full TMPDIR: it takes the system's next temporary folder")
            with started_server([archive], {"XDG_CACHE_HOME": str(disk)}) as server:
                code, line = server.wait_for_end(), server.log.splitlines()[-1]
        yield verdict(code != 0 and "No space left" in line, f"a start with a full cache: exit code {code}, {line}")


def fill_while_it_serves(archive: Path, disk: Path) -> Iterator[str]:
    with running_server([archive], {"TMPDIR": str(disk)}) as server:
        asker = asker_of(server)
        with filled(disk):
            full = during(server, asker, lambda: None)
            worker = during(server, asker, lambda: os.kill(server.worker_pids()[0], signal.SIGKILL))
            front = during(server, asker, haproxy(server).kill)
        after = during(server, asker, lambda: None)
    rows = {"full": full, "full, a worker killed": worker, "full, the front killed": front, "room again": after}
    yield from table(HEADER, [row(what, tally) for what, tally in rows.items()])
    yield verdict(not sum_of(WRONG, *rows.values()), "none wrong")
    yield verdict(not sum_of(LOST, full, worker, after), "none lost, but for those that the killed front had")


def during(server: Server, asker: Asker, trouble: Callable[[], object]) -> Tally:
    with under_load(asker) as tally:
        trouble()
        time.sleep(CALM_S)
        require_ready(server)
    return tally


@contextmanager
def small_disk(point: Path) -> Iterator[Path | None]:
    """A file system of its own for few bytes and files; None where none can be mounted."""
    point.mkdir()
    options = f"size={DISK_BYTES},nr_inodes={DISK_FILES}"
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "berth", point], capture_output=True, check=False)
    if mounted.returncode:
        yield None
        return
    try:
        yield point
    finally:
        subprocess.run(["umount", "--lazy", point], check=True)


@contextmanager
def filled(disk: Path) -> Iterator[None]:
    """No byte and no file more has room on the disk."""
    folder = disk / "others"
    folder.mkdir()
    with suppress(OSError), (folder / "bytes").open("wb", buffering=0) as file:
        while True:
            file.write(CHUNK)
    with suppress(OSError):
        for number in range(DISK_FILES):
            (folder / str(number)).touch()
    try:
        yield
    finally:
        for each in folder.iterdir():
            each.unlink()
        folder.rmdir()
