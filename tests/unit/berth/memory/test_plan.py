"""`berth serve` and `berth budget` plan alike: the same archive, settings and machine give the same number."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from berth.archive.unpack import unpack_once
from berth.cli.app import app
from berth.errors import Refused
from berth.machine import forking
from berth.machine.limits import MemoryLimit
from berth.machine.machine import read_machine
from berth.machine.quantities import GIB, MIB, format_bytes
from berth.memory.budget import FORK_BYTES
from berth.memory.fit import ROOM_FOR_WORKERS
from berth.serve.plan import ServerPlan
from berth.serve.prepare import prepare_server
from berth.serve.request import read_request
from berth.tune.ports import free_ports, port_variables
from tests.support.servers import CONFIG
from tests.support.standin import make_standin


@dataclass(frozen=True, kw_only=True)
class Made:
    """A machine without a GPU."""

    memory_bytes: int = 24 * GIB
    is_forked: bool = True
    option: str | None = None
    """What --memory says."""


@pytest.fixture(
    params=[
        Made(),
        Made(memory_bytes=1600 * MIB),
        Made(is_forked=False),
        Made(option="1600Mi"),
        Made(memory_bytes=512 * MIB, is_forked=False, option="4Gi"),
    ],
    ids=["large", "small", "not forked", "--memory", "more by --memory"],
)
def made(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Made:
    """The machine that both commands run on."""
    made: Made = request.param
    limit = MemoryLimit(bytes=made.memory_bytes, source="this machine")
    monkeypatch.setattr("berth.machine.machine.memory_limit", lambda: limit)
    monkeypatch.setattr("berth.machine.machine.granted_cores", lambda: 4)
    if not made.is_forked and made.memory_bytes > GIB:
        monkeypatch.setattr(forking, "WORKER_PYTHON", Path("/nowhere/berth-python"))
    for name, value in {**port_variables(free_ports()), "BERTH_DEVICE": "cpu", "XDG_CACHE_HOME": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    return made


def budget(archive: Path, option: str | None = None) -> tuple[str | None, dict[str, Any]]:
    """Why `berth budget` refuses the server, and what it says of its memory."""
    memory = ["--memory", option] if option else []
    ran = CliRunner().invoke(app, ["budget", str(archive), "--config", str(CONFIG), *memory])
    return str(ran.exception) if ran.exception else None, json.loads(ran.stdout)


def prepare(archive: Path, option: str | None) -> ServerPlan:
    """What `berth serve` plans, having decided about the fork server as it does."""
    not_forked = read_machine(os.environ, option).not_forked
    return prepare_server(read_request([archive], CONFIG, option), 1.0, not_forked)


def test_budget_says_what_serve_would_say(made: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    archive = make_standin(tmp_path)
    refusal, told = budget(archive, made.option)
    plan = prepare(archive, made.option)
    assert refusal is None
    assert told["total_bytes"] == plan.memory.budget.total_bytes
    assert told["jvm"] == asdict(plan.memory.budget.jvm)
    assert told["max_workers"] == plan.capacity.max_workers
    assert f"memory: at most {format_bytes(told['total_bytes'])} of the " in capsys.readouterr().err
    assert plan.is_forked is made.is_forked
    assert (FORK_BYTES in [part.bytes for part in plan.memory.budget.parts]) is made.is_forked
    assert budget(unpack_once(archive, tmp_path), made.option) == (None, told), "a .mar and its folder differ"


@pytest.mark.parametrize("made", [Made()], indirect=True)
def test_budget_says_why_a_gpu_is_not_counted(made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = str(make_standin(tmp_path))
    monkeypatch.setattr("berth.machine.gpu.why_unused", lambda _environ: "torch is not a CUDA build")
    shown = [CliRunner().invoke(app, ["budget", archive, *gpus]).stderr for gpus in ([], ["--gpus", "0"])]
    assert shown == ["berth: this machine's GPU is not counted: torch is not a CUDA build\n", ""]


@pytest.mark.parametrize("made", [Made(), Made(memory_bytes=512 * MIB)], indirect=True)
def test_budget_refuses_what_serve_would_refuse_in_the_same_words(made: Made, tmp_path: Path) -> None:
    archive = make_standin(tmp_path)
    option = None if made.memory_bytes < GIB else "512Mi"
    with pytest.raises(Refused, match=r"bert would need .* grants 512 MiB") as refused:
        prepare(archive, option)
    assert budget(archive, option)[0] == str(refused.value)


@pytest.mark.parametrize("made", [Made()], indirect=True)
def test_a_container_of_the_least_starts_it_and_has_room_for_no_more(made: Made, tmp_path: Path) -> None:
    archive = make_standin(tmp_path)
    least = budget(archive)[1]["least_bytes"]
    assert budget(archive)[1]["max_workers"] == ROOM_FOR_WORKERS
    assert budget(archive)[1]["total_bytes"] > least
    refusal, exact = budget(archive, str(least))
    assert (refusal, exact["total_bytes"], exact["max_workers"]) == (None, least, 1)
    assert budget(archive, str(least - 1))[0] is not None
