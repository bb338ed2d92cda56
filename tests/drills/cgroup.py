"""A real memory cgroup: of the predicted need and a tenth more, where nothing is killed; and of 60 % of it."""

import time
from collections.abc import Iterator
from pathlib import Path

from berth.machine.quantities import MIB
from handler.config import Task
from tests.support.servers import Server, started_server

from .load.full_load import full_load
from .load.memory_group import NO_GROUP, MemoryGroup, memory_group
from .memory import predict
from .served.models import pack_bert_base, pack_sample
from .table import verdict

SOAK_S = 300.0
WORKERS = 2
ROOM = 1.1
TOO_SMALL = 0.6
OVERRIDE = "64Gi"


def run(folder: Path) -> Iterator[str]:
    yield from soak(pack_sample(folder), Task.EMBEDDINGS, SOAK_S)
    yield from soak(pack_bert_base(folder), Task.TEXT_CLASSIFICATION, SOAK_S)


def soak(archive: Path, task: Task, seconds: float, workers: int = WORKERS) -> Iterator[str]:
    need = predict(archive, workers).total_bytes
    yield f"{archive.stem}, {workers} workers: predicted {need // MIB} MiB"
    for share, override in ((ROOM, False), (TOO_SMALL, False), (TOO_SMALL, True)):
        with memory_group(f"{archive.stem}-{share}-{override}") as group:
            if group is None:
                yield NO_GROUP
                return
            group.limit(int(share * need))
            options = ("--memory", OVERRIDE) if override else ()
            variables = {"TS_DEFAULT_WORKERS_PER_MODEL": str(workers)}
            with started_server([archive], variables, options=options, wrapper=group.wrapper) as server:
                if share == ROOM:
                    yield holds(server, group, archive.stem, task, seconds)
                elif override:
                    yield is_killed(server, group, archive.stem, task, seconds)
                else:
                    yield refuses(server)


def holds(server: Server, group: MemoryGroup, model: str, task: Task, seconds: float) -> str:
    server.wait_for_log("berth: ready")
    pids = server.worker_pids(model)
    with full_load(server, model, task, WORKERS) as ends:
        time.sleep(seconds)
    is_kept = not group.kills() and server.worker_pids(model) == pids
    peak, killed = group.peak_bytes() // MIB, group.kills()
    server.process.kill()
    return verdict(
        is_kept, f"{seconds:.0f} s at need + 10 %: {killed} killed, charged {peak} MiB at most, ends {dict(ends)}"
    )


def refuses(server: Server) -> str:
    code = server.wait_for_end()
    last_line = server.log.splitlines()[-1]
    return verdict(code == 4 and "of memory, and" in last_line, f"at 60 %: exit code {code}, {last_line}")


def is_killed(server: Server, group: MemoryGroup, model: str, task: Task, seconds: float) -> str:
    started_s = time.monotonic()
    server.wait_for_log("berth: ready")
    with full_load(server, model, task, WORKERS):
        while not group.kills() and time.monotonic() - started_s < seconds:
            time.sleep(0.5)
    took_s, killed = time.monotonic() - started_s, group.kills()
    server.process.kill()
    return verdict(killed > 0, f"at 60 %, overridden: the kernel killed {killed} after {took_s:.0f} s")
