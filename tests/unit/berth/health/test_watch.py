"""What a watch keeps from look to look. Its clock, TorchServe and processor times are given, so that nothing waits."""

import errno
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from berth.clients.management import ModelState
from berth.errors import BerthError, RequestFailed
from berth.health.deep_check import Checked, Verdict
from berth.health.diagnosis import DEAD_S, STUCK_S
from berth.health.record import ModelNumbers
from berth.health.watch import STALE_S, ModelWatch
from berth.process.activity import Activity
from tests.support.states import make_state

RIGHT = Checked(verdict=Verdict.RIGHT)
ERROR = Checked(verdict=Verdict.ERROR, reason="answered 507")
WRONG = Checked(verdict=Verdict.WRONG, reason="off by 1")
NO_VERDICT = Checked(verdict=Verdict.NONE)
PID = 100  # of make_state's first worker


class World:
    """A server and its processes, as a watch sees them."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        self.state: ModelState | BerthError = make_state("READY")
        self.cpu_s: dict[int, float] = {PID: 1.0}
        self.checks: list[Check] = []
        self.killed: list[int] = []
        self.renewed: list[tuple[str, int, int]] = []

    def renew(self, model: str, first: int, workers: int) -> None:
        self.renewed.append((model, first, workers))

    def kill(self, pid: int, _: int) -> None:
        self.killed.append(pid)

    def describe(self, _: str) -> ModelState:
        if isinstance(self.state, BerthError):
            raise self.state
        return self.state

    def look_at(self, pid: int | None) -> Activity | None:
        cpu_s = None if pid is None else self.cpu_s.get(pid)
        return None if cpu_s is None else Activity(cpu_s=cpu_s, status="sleeping")

    def send(self) -> Any:
        self.checks.append(Check())
        return self.checks[-1]


class Check:
    """A known text on its way."""

    outcome: Checked | None = None


class Scene:
    """A watch in its world, from its first right answer on."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.watch = ModelWatch("bert", world, world.send, world.look_at)  # type: ignore[arg-type]
        self.pass_s(0.0)
        self.answer(RIGHT)
        assert self.watch.has_answered

    def pass_s(self, seconds: float, *, working: bool = False) -> None:
        """Time passes in looks of a second."""
        end_s = self.world.now_s + seconds
        while True:
            self.watch.look(lambda: self.world.now_s)
            if self.world.now_s >= end_s:
                break
            self.world.now_s += 1.0
            if working:
                self.world.cpu_s[PID] += 0.5

    def answer(self, outcome: Checked) -> None:
        self.world.checks[-1].outcome = outcome
        self.pass_s(0.0)

    def reason(self) -> str | None:
        return self.watch.why_not_ready(self.world.now_s)

    @property
    def numbers(self) -> ModelNumbers:
        return self.watch.numbers(self.world.now_s)

    @property
    def is_live(self) -> bool:
        return self.watch.why_not_live(self.world.now_s) is None


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> Scene:
    world = World()
    monkeypatch.setattr("berth.health.repair.look_at", world.look_at)
    monkeypatch.setattr("berth.health.repair.os.kill", world.kill)
    return Scene(world)


def test_a_known_text_follows_the_last_one(scene: Scene) -> None:
    assert len(scene.world.checks) == 2
    scene.pass_s(3.0)
    assert len(scene.world.checks) == 2
    assert scene.reason() is None


def test_a_known_text_that_is_back_waits_no_more_and_one_that_was_given_up_does(scene: Scene) -> None:
    scene.pass_s(3.0)
    assert scene.numbers.check_s == 3.0
    scene.world.checks[-1].outcome = RIGHT  # nobody has looked since
    assert scene.numbers.check_s == 0.0
    scene.world.checks[-1].outcome = NO_VERDICT
    assert scene.numbers.check_s == 3.0


def test_a_hanging_worker_stays_not_ready_when_its_known_text_is_given_up(scene: Scene) -> None:
    scene.pass_s(STUCK_S)
    assert "hangs" in str(scene.reason())
    for _ in range(3):
        scene.answer(NO_VERDICT)
        assert "hangs" in str(scene.reason())
        scene.pass_s(30.0)
    assert scene.is_live
    assert scene.world.killed == [PID]


def test_a_busy_worker_stays_ready_however_long_it_takes(scene: Scene) -> None:
    for _ in range(3):
        scene.pass_s(30.0, working=True)
        assert scene.reason() is None
        scene.answer(NO_VERDICT)


def test_one_error_may_be_a_neighbours_and_two_are_not(scene: Scene) -> None:
    scene.answer(ERROR)
    assert scene.reason() is None
    scene.answer(ERROR)
    assert scene.reason() == "bert: answered 507"
    scene.answer(RIGHT)
    assert scene.reason() is None


def test_a_wrong_answer_counts_at_once(scene: Scene) -> None:
    scene.answer(WRONG)
    assert scene.reason() == "bert: off by 1"


def test_a_model_that_torchserve_does_not_have_is_unknown_and_a_server_without_time_is_not() -> None:
    world = World()
    watch = ModelWatch("bert", world, world.send, world.look_at)  # type: ignore[arg-type]
    world.state = RequestFailed("no time", code=503, type="")
    watch.look(lambda: world.now_s)
    assert not watch.is_unknown
    world.state = RequestFailed("Model not found: bert", code=404, type="ModelNotFoundException")
    watch.look(lambda: world.now_s)
    assert watch.is_unknown


def test_before_the_first_right_answer_one_error_is_enough() -> None:
    world = World()
    watch = ModelWatch("bert", world, world.send, world.look_at)  # type: ignore[arg-type]
    watch.look(lambda: 0.0)
    world.checks[-1].outcome = ERROR
    watch.look(lambda: 1.0)
    assert watch.failure == "answered 507"
    assert not watch.has_answered


def test_no_known_text_is_sent_before_all_workers_are_loaded() -> None:
    world = World()
    world.state = make_state("READY", "UNLOADING")
    ModelWatch("bert", world, world.send, world.look_at).look(lambda: 0.0)  # type: ignore[arg-type]
    assert world.checks == []


def test_a_look_that_fails_is_told_and_the_next_one_counts_again(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """As when the launcher has no file descriptor left to look into /proc."""

    class Looks:
        """A stop that nobody asks for before the second look."""

        def __init__(self, number: int) -> None:
            self.left = number

        def wait(self, _: float) -> bool:
            self.left -= 1
            return self.left < 0

    def fail(_: int | None) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr("berth.health.watch.time", SimpleNamespace(monotonic=lambda: scene.world.now_s))
    with monkeypatch.context() as blind:
        blind.setattr(scene.watch, "_look_at", fail)
        scene.watch.run(Looks(2))  # type: ignore[arg-type]
    scene.world.now_s += STALE_S
    assert scene.reason() == f"bert: berth has not looked for {STALE_S:.0f} s: Too many open files"
    scene.world.checks[-1].outcome = RIGHT  # which came meanwhile
    scene.watch.run(Looks(1))  # type: ignore[arg-type]
    assert scene.reason() is None


def test_what_a_dead_process_had_taken_is_asked_again(scene: Scene) -> None:
    assert isinstance(scene.world.state, ModelState)
    (worker,) = scene.world.state.workers
    scene.world.state = replace(scene.world.state, workers=(replace(worker, pid=PID + 1),))
    scene.world.cpu_s[PID + 1] = 1.0
    scene.pass_s(0.0)
    assert len(scene.world.checks) == 3
    scene.answer(RIGHT)
    assert scene.reason() is None


def test_a_worker_that_is_loaded_again_needs_no_restart_and_one_that_is_given_up_does(scene: Scene) -> None:
    scene.world.state = make_state("UNLOADING")
    scene.pass_s(DEAD_S - 1)
    assert "no worker is loaded" in str(scene.reason())
    assert scene.is_live
    assert scene.world.renewed == []
    scene.pass_s(1.0)
    assert scene.world.renewed == [("bert/1.0", 0, 1)]
    assert not scene.is_live


def test_a_zombie_is_not_ready_and_is_replaced_and_in_the_end_not_live(scene: Scene) -> None:
    scene.world.cpu_s.clear()
    scene.pass_s(STUCK_S)
    assert "process is gone" in str(scene.reason())
    assert scene.world.renewed == [("bert/1.0", 0, 1)]
    assert scene.numbers.restarts == 1
    scene.pass_s(DEAD_S)
    assert "did not help" in str(scene.watch.lost)
    assert scene.world.renewed == [("bert/1.0", 0, 1)]
    assert not scene.is_live


def test_a_frontend_that_says_nothing(scene: Scene) -> None:
    scene.world.state = BerthError("no answer")
    scene.pass_s(STUCK_S)
    assert "frontend has not answered" in str(scene.reason())
    assert scene.numbers.state is None
    assert scene.is_live
    scene.pass_s(DEAD_S)
    assert scene.world.killed == []
    assert scene.world.renewed == []
    assert not scene.is_live


def test_a_frontend_that_cannot_describe_but_serves(scene: Scene) -> None:
    """nvidia-smi, which a describe waits for, may hang where predictions do not."""
    scene.world.state = BerthError("no answer")
    for _ in range(3):
        scene.pass_s(STUCK_S - 1, working=True)
        scene.answer(RIGHT)
        assert scene.reason() is None


def test_a_refusal_is_an_answer(scene: Scene) -> None:
    scene.world.state = RequestFailed("no", code=500, type="InternalServerException")
    scene.pass_s(DEAD_S, working=True)
    assert scene.is_live


def test_a_watch_that_looks_no_more_knows_nothing(scene: Scene) -> None:
    scene.world.now_s += STALE_S
    assert "has not looked" in str(scene.reason())
    assert scene.is_live
    scene.world.now_s += DEAD_S
    assert not scene.is_live


def test_restarts_and_verdicts_are_counted(scene: Scene) -> None:
    scene.world.cpu_s[PID + 1] = 1.0
    state = make_state("READY")
    scene.world.state = replace(state, workers=(replace(state.workers[0], pid=PID + 1),))
    scene.pass_s(1.0)
    scene.answer(WRONG)
    scene.answer(Checked(verdict=Verdict.RIGHT, told={"engine": "packed"}))
    numbers = scene.numbers
    assert numbers.state == scene.world.state
    assert (numbers.restarts, numbers.told, numbers.check_s >= 0) == (1, {"engine": "packed"}, True)
    assert numbers.verdicts == {Verdict.RIGHT: 2, Verdict.WRONG: 1, Verdict.ERROR: 0, Verdict.NONE: 0}
