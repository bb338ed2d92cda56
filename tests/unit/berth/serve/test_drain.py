"""When nobody waits for an answer any more. TorchServe, its known text, processes and sockets are given."""

import errno
import math
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from berth.clients.management import ModelState
from berth.errors import BerthError, RequestFailed
from berth.health.deep_check import Checked, Verdict
from berth.process.activity import Activity
from berth.serve.drain import LATE_S, Drain, ModelDrain, bytes_under_way
from tests.support.states import make_state
from tests.unit.berth.serve.test_plan import make_plan

NOW_S = 1000.0
IDLE = Activity(cpu_s=1.0, status="sleeping")
RIGHT = Checked(verdict=Verdict.RIGHT)
HEADER = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"


class World:
    """A server and its processes, as a drain sees them."""

    def __init__(self, *statuses: str) -> None:
        self.refusal: RequestFailed | None = None
        self.state: ModelState = replace(make_state(*statuses), pending_requests=0)
        self.activities: dict[int, Activity] = {100: IDLE, 101: IDLE}
        self.outcomes: list[Checked | None] = [RIGHT]
        self.num_sent = 0

    def describe(self, _: str) -> ModelState:
        if self.refusal:
            raise self.refusal
        return self.state

    def look_at(self, pid: int | None) -> Activity | None:
        return self.activities.get(pid or 0)

    def send(self) -> Any:
        self.num_sent += 1
        return type("Check", (), {"outcome": self.outcomes.pop(0)})


def drain_of(world: World) -> ModelDrain:
    return ModelDrain("bert", world, world.send, world.look_at)  # type: ignore[arg-type]


def looks(drain: ModelDrain, number: int = 4) -> list[bool]:
    return [drain.is_busy(lambda: NOW_S) for _ in range(number)]


def test_an_idle_server_is_drained_when_the_known_text_is_back() -> None:
    assert looks(drain_of(World("READY"))) == [True, False, False, False]


def test_a_known_text_that_is_not_back_is_waited_for() -> None:
    world = World("READY")
    world.outcomes = [None]
    assert looks(drain_of(world)) == [True] * 4
    assert world.num_sent == 1


def test_a_known_text_that_a_full_queue_refused_is_sent_again() -> None:
    world = World("READY")
    world.outcomes = [Checked(verdict=Verdict.NONE), RIGHT]
    assert looks(drain_of(world)) == [True, True, False, False]


def test_what_is_queued_is_waited_for_while_a_worker_loads() -> None:
    world = World("UNLOADING")
    assert looks(drain_of(world), 1) == [False]
    world.state = replace(world.state, pending_requests=1)
    assert looks(drain_of(world)) == [True] * 4


@pytest.mark.parametrize("status", ["running", "disk-sleep", "stopped"])
def test_a_worker_that_does_not_wait_has_a_request(status: str) -> None:
    world = World("READY", "READY")
    world.activities[101] = replace(IDLE, status=status)
    assert looks(drain_of(world)) == [True] * 4


def test_a_worker_that_used_the_processor_since_the_last_look_has_a_request() -> None:
    world = World("READY", "READY")
    drain = drain_of(world)
    assert looks(drain, 2) == [True, False]
    world.activities[101] = replace(IDLE, cpu_s=1.1)
    assert looks(drain, 2) == [True, False]


@pytest.mark.parametrize(("workers", "is_past"), [(1, True), (2, False)])
def test_newer_requests_are_not_waited_for_where_one_worker_takes_turns(workers: int, is_past: bool) -> None:
    world = World(*["READY"] * workers)
    drain = drain_of(world)
    world.state = replace(world.state, pending_requests=5)
    assert looks(drain, 3) == [True] * 3
    assert not drain.is_past(NOW_S + LATE_S - 1)
    assert drain.is_past(NOW_S + LATE_S) is is_past


def test_nobody_answers_for_a_zombie() -> None:
    world = World("READY")
    world.activities.clear()
    world.state = replace(world.state, pending_requests=1)
    assert looks(drain_of(world), 1) == [False]


def test_nobody_waits_for_a_model_that_torchserve_does_not_have() -> None:
    world = World()
    world.refusal = RequestFailed("Model not found: bert", code=404, type="ModelNotFoundException")
    assert looks(drain_of(world)) == [False] * 4
    world.refusal = RequestFailed("no time", code=503, type="")
    with pytest.raises(RequestFailed):
        looks(drain_of(world))


@pytest.mark.parametrize("error", [OSError(errno.EMFILE, "Too many open files"), BerthError("no answer in time")])
def test_who_cannot_be_asked_may_be_busy(error: Exception) -> None:
    def fail(_: object) -> bool:
        raise error

    drain = Drain(settings := make_plan().settings, [], settings)
    drain._models = [SimpleNamespace(is_busy=fail, is_past=lambda _: False)]  # type: ignore[list-item]
    drain._busy_s = -math.inf
    assert not drain.is_over()


def test_bytes_of_the_ports_of_both_families(tmp_path: Path) -> None:
    four, six = tmp_path / "tcp", tmp_path / "tcp6"
    row = "   0: 0100007F:{port:04X} 0100007F:D431 01 {sent:08X}:{received:08X} 02:000A 00000000 0 0 1 2\n"
    four.write_text(HEADER + row.format(port=8080, sent=5, received=0) + row.format(port=8081, sent=100, received=100))
    six.write_text(HEADER + row.format(port=7070, sent=0, received=255))
    assert bytes_under_way(frozenset((8080, 7070)), (four, six, tmp_path / "absent")) == 260
