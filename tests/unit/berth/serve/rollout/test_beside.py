"""What a second java may take beside the live one."""

from dataclasses import replace
from pathlib import Path

import pytest

from berth.errors import Refused
from berth.machine.quantities import MIB
from berth.memory.budget import Budget, Part
from berth.progress import ignore
from berth.serve.plan import ServerPlan
from berth.serve.request import Request, read_request
from berth.serve.rollout.beside import prepare_beside
from tests.support.front.fronted import plan_before
from tests.support.rollout.versions import make_version
from tests.support.servers import CONFIG
from tests.unit.berth.serve.test_plan import make_plan


@pytest.fixture
def live(tmp_path: Path) -> ServerPlan:
    """A server that was counted at 600 MiB, 100 of which a second java would share."""
    plan = make_plan()
    parts = (Part(name="launcher", bytes=100 * MIB), Part(name="java's heap", bytes=500 * MIB))
    budget = Budget(parts=parts, gpu_parts=(), jvm=plan.memory.budget.jvm)
    front = plan_before("http://127.0.0.1:1", tmp_path)
    return replace(plan, memory=replace(plan.memory, budget=budget), front=front)


def request(folder: Path, memory: str) -> Request:
    return read_request([make_version(folder, "2.0")], CONFIG, memory)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_what_does_not_fit_beside_the_live_one_is_refused_with_the_numbers(live: ServerPlan, tmp_path: Path) -> None:
    words = r"bert would need .* of memory, and --memory, beside the 500 MiB of what is live, grants 524 MiB"
    with pytest.raises(Refused, match=words):
        prepare_beside(request(tmp_path, "1Gi"), live, ignore)


def test_what_fits_has_ports_and_models_of_its_own(live: ServerPlan, tmp_path: Path) -> None:
    plan = prepare_beside(request(tmp_path, "8Gi"), live, ignore)
    assert [(model.name, model.version) for model in plan.models] == [("bert", "2.0")]
    assert plan.memory.machine.memory.bytes == (8 * 1024 - 500) * MIB
    assert plan.front is not None
    assert live.front is not None
    assert plan.front.outside == live.front.outside
    ports = [{endpoint.port for endpoint in settings.endpoints} for settings in (plan.behind, plan.front.outside)]
    assert len(ports[0]) == 5
    assert not ports[0] & ports[1]
