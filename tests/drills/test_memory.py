"""`berth serve` and memory: refused before java where it is too little, under its prediction where it is enough."""

import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
import requests

from berth.machine.quantities import MIB, format_bytes
from handler.config import Task
from tests.drills.load.full_load import full_load
from tests.drills.load.memory_group import NO_GROUP, memory_group
from tests.drills.load.pss import peak_of
from tests.drills.memory import predict
from tests.support.servers import BERTH, CONFIG, Server, running_server, started_server

pytestmark = pytest.mark.server

LOAD_S = 15.0


def require_refusal(server: Server, *words: str) -> None:
    assert server.wait_for_end() == 4, server.log
    assert "Model server started" not in server.log
    last_line = server.log.splitlines()[-1]
    assert last_line.startswith("berth: bert would need ")
    assert all(word in last_line for word in words), last_line


def test_too_little_memory_is_refused_before_java(sample_archive: Path) -> None:
    with started_server([sample_archive], options=("--memory", "200Mi")) as server:
        require_refusal(server, "--memory grants 200 MiB", "java's heap", "more memory")


def test_the_control_groups_limit_is_seen(sample_archive: Path) -> None:
    with memory_group("refused") as group:
        if group is None:
            pytest.skip(NO_GROUP)
        group.limit(512 * MIB)
        with started_server([sample_archive], wrapper=group.wrapper) as server:
            require_refusal(server, "the control group's memory.", "512 MiB")


def test_a_full_queue_stays_under_the_prediction(sample_archive: Path) -> None:
    need = predict(sample_archive, 1)
    with running_server([sample_archive], options=("--memory", f"{need.total_bytes}")) as server:
        command = Path(f"/proc/{server.java.pid}/cmdline").read_text().split("\0")
        assert f"-Xmx{need.jvm.heap_bytes // MIB}m" in command
        with peak_of(server) as peak, full_load(server, "bert", Task.EMBEDDINGS, 1):
            time.sleep(LOAD_S)
        assert 0 < peak.total_bytes < need.total_bytes
        assert requests.get(f"{server.health_url}/capacity", timeout=30).json()["max_workers"] == 1
        environment = {"BERTH_HEALTH_ADDRESS": f"127.0.0.1:{server.ports['health']}", "PATH": ""}
        refused = subprocess.run(
            [BERTH, "scale", "bert", "--workers", "2", "--url", server.management_url],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (refused.returncode, "2 workers of bert are too many" in refused.stderr) == (4, True), refused.stderr
        server.process.kill()  # the full queue would be answered first


def budget(*arguments: str | Path, cache: Path | None = None) -> tuple[int, dict[str, Any], str]:
    """`berth budget`: exit code, answer, and what stderr says."""
    environment = {**os.environ, **({"XDG_CACHE_HOME": str(cache)} if cache else {})}
    command = [BERTH, "budget", *arguments]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return ran.returncode, json.loads(ran.stdout), ran.stderr


@pytest.mark.parametrize("memory", [[], ["--memory", "3Gi"]], ids=["what is there", "3Gi"])
def test_budget_says_what_serve_says(sample_archive: Path, memory: list[str], tmp_path: Path) -> None:
    _, told, _ = budget(sample_archive, "--config", CONFIG, *memory, cache=tmp_path)
    with started_server([sample_archive], {"XDG_CACHE_HOME": str(tmp_path)}, options=memory) as server:
        server.wait_for_log("berth: memory: ")
        assert f"berth: memory: at most {format_bytes(told['total_bytes'])} of the " in server.log


def test_budget_answers_offline_and_refuses_what_would_not_start(sample_archive: Path) -> None:
    exit_code, answer, said = budget(sample_archive, "--workers", "4", "--memory", "2Gi")
    assert exit_code == 4
    assert answer["total_bytes"] == predict(sample_archive, 4).total_bytes
    assert "and --memory grants 2.00 GiB" in said
