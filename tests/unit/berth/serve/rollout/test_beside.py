"""What a second java may take beside the live one, and what it has once that is gone."""

import os
import re
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from berth.errors import Refused
from berth.machine.machine import read_machine
from berth.machine.quantities import GIB, MIB
from berth.memory.fit import FEWEST_CONNECTIONS
from berth.memory.plan import plan_memory
from berth.progress import ignore
from berth.serve.plan import ServerPlan
from berth.serve.request import Request, read_request
from berth.serve.rollout import beside
from berth.serve.rollout.beside import ONCE, Prepared, plan_alone, prepare_beside
from tests.support.front.fronted import plan_before
from tests.support.rollout.versions import make_version
from tests.support.servers import CONFIG
from tests.unit.berth.serve.test_plan import make_plan


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(beside, "read_machine", partial(read_machine, num_gpus=0))


@pytest.fixture
def live(tmp_path: Path) -> ServerPlan:
    """Version 1 with one worker, on a machine that has enough of everything."""
    plan = make_plan()
    machine = replace(read_machine(os.environ, "16Gi", num_gpus=0), not_forked=None)
    memory = plan_memory([make_version(tmp_path, "1.0")], plan.settings, machine)
    return replace(plan, memory=memory, front=plan_before("http://127.0.0.1:1", tmp_path))


def own_bytes(live: ServerPlan, workers: int = 1) -> int:
    """What a second java does not share with the live one."""
    parts = live.memory.scaled(workers).budget.parts
    return sum(part.total_bytes for part in parts if not part.name.startswith(ONCE))


def request(folder: Path, memory_bytes: int, workers: int = 0) -> Request:
    read = read_request([make_version(folder, "2.0")], CONFIG, str(memory_bytes))
    return replace(read, settings=replace(read.settings, default_workers=workers))


def prepare(asked: Request, live: ServerPlan, workers: int = 1) -> Prepared:
    return prepare_beside(asked, scaled(live, workers), ignore)


def scaled(live: ServerPlan, workers: int) -> ServerPlan:
    return replace(live, memory=live.memory.scaled(workers))


def test_what_does_not_fit_beside_the_live_one_is_refused_with_the_numbers(live: ServerPlan, tmp_path: Path) -> None:
    taken = own_bytes(live) // MIB
    words = rf"bert would need .* of memory, and --memory, beside the {taken} MiB of what is live, grants 524 MiB"
    with pytest.raises(Refused, match=words):
        prepare(request(tmp_path, own_bytes(live) + 524 * MIB), live)


def test_what_fits_has_ports_and_models_of_its_own(live: ServerPlan, tmp_path: Path) -> None:
    prepared = prepare(request(tmp_path, 8 * GIB), live)
    plan = prepared.plan
    assert [(model.name, model.version) for model in plan.models] == [("bert", "2.0")]
    assert plan.memory.machine.memory.bytes == 8 * GIB - own_bytes(live)
    assert plan.front is not None
    assert live.front is not None
    assert plan.front.outside == live.front.outside
    ports = [{endpoint.port for endpoint in settings.endpoints} for settings in (plan.behind, plan.front.outside)]
    assert len(ports[0]) == 5
    assert not ports[0] & ports[1]
    assert prepared.shortage == ""


def test_the_live_one_counts_with_the_workers_that_it_has(live: ServerPlan, tmp_path: Path) -> None:
    more = prepare(request(tmp_path, 8 * GIB), live, workers=3).plan.memory.machine.memory.bytes
    assert more == 8 * GIB - own_bytes(live, workers=3) < 8 * GIB - own_bytes(live)


def test_each_model_keeps_its_workers_and_a_new_version_gets_the_old_ones(live: ServerPlan, tmp_path: Path) -> None:
    asked = request(tmp_path, 8 * GIB)
    more = make_version(tmp_path, "1.5")
    prepared = prepare(replace(asked, archives=(*asked.archives, more)), live, workers=3)
    assert prepared.plan.memory.workers_of == prepared.wanted == {"bert/2.0": 3, "bert/1.5": 1}
    assert prepared.plan.memory.told_workers == "3 workers of bert/2.0, 1 worker of bert/1.5"
    assert [prepared.plan.workers_of(model) for model in prepared.plan.models] == [3, 1]
    assert prepared.shortage == ""


def test_four_workers_are_back_once_the_old_version_is_gone(live: ServerPlan, tmp_path: Path) -> None:
    few = live.memory.server.connection_bytes * max(live.memory.connections - FEWEST_CONNECTIONS, 0)
    whole = own_bytes(live, workers=4) + live.memory.scaled(2).budget.total_bytes - few
    asked = request(tmp_path, whole, workers=4)
    prepared = prepare(asked, live, workers=4)
    assert prepared.plan.num_workers == 2
    assert re.fullmatch(
        r"; 4 workers of each model would need .* of memory, and --memory, beside the .* of what is live, grants .*: "
        "they come once the old version is gone",
        prepared.shortage,
    )
    alone = plan_alone(asked, prepared.plan, prepared.wanted)
    assert (alone.workers, alone.max_workers >= 4, alone.budget.jvm) == (4, True, prepared.plan.memory.budget.jvm)
    assert alone.machine.memory.bytes == whole


def test_a_java_that_is_sized_for_what_is_left_says_so(live: ServerPlan, tmp_path: Path) -> None:
    asked = request(tmp_path, own_bytes(live) + live.memory.least.total_bytes + MIB, workers=4)
    prepared = prepare(asked, live)
    assert prepared.plan.num_workers == prepared.plan.memory.max_workers == 1
    assert "at most 1 until `berth serve` is started again" in prepared.shortage
    assert plan_alone(asked, prepared.plan, prepared.wanted).workers == 1
    assert "start `berth serve` again" in prepared.plan.capacity.reason
