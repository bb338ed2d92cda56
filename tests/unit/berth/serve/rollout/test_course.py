"""What becomes of clients when something ends or fails in the middle of a change; javas and fronts are stand-ins."""

import errno
import itertools
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from berth.errors import BerthError
from berth.front.plan import BESIDE, Beside
from berth.front.reports.counters import Counters
from berth.health.report import Health, Report
from berth.rollout.golden import Answered
from berth.rollout.messages import Action, Event, Order
from berth.serve.rollout import course as module
from berth.serve.rollout import judge
from berth.serve.rollout.beside import Prepared
from berth.serve.rollout.course import Course
from berth.serve.server import Server
from tests.support.front.fronted import plan_before
from tests.unit.berth.serve.test_plan import make_plan

FOLDER = Path("/cache/another")


class Generation:
    """A java that is well until a test says otherwise."""

    def __init__(self, plan):
        self.plan = plan
        self.torchserve = SimpleNamespace(has_ended=False)
        self.watch = SimpleNamespace(has_started=True, lost=None, health=Health)

    def require_running(self):
        if self.torchserve.has_ended:
            raise BerthError("TorchServe ended by itself")

    def wait_until_loaded(self, _is_stopped, pause, _is_open):
        pause(0.0)
        self.require_running()

    def drain(self, _also):
        return lambda: True

    def end(self, _pause):
        return True


class Fronts:
    """Leads where it is told, but for so many times that the keys file cannot be read."""

    def __init__(self, server, plan):
        self.server, self.plan, self.failures, self.was_changing = server, plan, 0, []
        self.live = SimpleNamespace(counters=lambda _: Counters(), why_not_ready=None)
        self.metrics = None

    def switch(self, plan):
        if self.failures:
            self.failures -= 1
            raise PermissionError(errno.EACCES, "Permission denied", "/etc/keys")
        self.plan = plan

    def follows(self, plan):
        return self.plan == plan

    def is_left(self, _behind):
        self.was_changing.append(self.server.is_changing)
        return True


class World:
    """A server whose old java clients reach, and a change to a new one."""

    def __init__(self, folder):
        self.events: list[Event] = []
        self.published: list[Report] = []
        self.on_check: Callable[[], None] = lambda: None
        self.server = self._server(folder)
        self.old, self.new = (self._generation(folder, port) for port in (1, 2))
        self.server.live = self.old
        self.server.fronts = self.fronts = Fronts(self.server, self.old.plan.front)
        self.server.start = lambda _plan: self.new
        request: Any = None
        order = Order(action=Action.ROLLBACK, observe_s=0.01)
        self.course = Course(
            server=self.server,
            request=request,
            order=order,
            emit=self.events.append,
            check=lambda: self.on_check(),  # noqa: PLW0108 - a test sets another one
            old=self.old,
        )

    def _server(self, folder) -> Any:
        health: Any = SimpleNamespace(publish=self.published.append)
        return Server(folder=folder, health=health, forks=None, is_changing=True)

    def _generation(self, folder, port) -> Any:
        return Generation(replace(make_plan(), front=plan_before(f"http://127.0.0.1:{port}", folder)))

    def make_newer(self):
        """The new java has another version of bert."""
        former = self.old.plan.models[0]
        self.new.plan = replace(self.new.plan, models=(replace(former, version="2.0", folder=FOLDER),))

    def once_switched(self, do):
        self.on_check = lambda: do() if self.server.live is self.new else None

    @property
    def steps(self):
        return [event.step for event in self.events]


@pytest.fixture
def world(tmp_path, monkeypatch):
    made = World(tmp_path)
    for name in ("LOOK_S", "AGAIN_S"):
        monkeypatch.setattr(module, name, 0.0)
    prepared = Prepared(plan=made.new.plan, shortage="", wanted={})
    monkeypatch.setattr(Course, "_prepare", lambda _: prepared)
    return made


def test_an_old_java_that_ends_after_the_switch_takes_nobody_along(world):
    world.once_switched(lambda: setattr(world.old.torchserve, "has_ended", True))
    world.course.run()
    assert (world.server.live, world.course.failure) == (world.new, None)


def test_a_worse_version_stays_where_the_old_one_has_ended(world):
    def both_fail():
        world.old.torchserve.has_ended = True
        raise BerthError("it is worse")

    world.once_switched(both_fail)
    world.course.run()
    assert world.server.live is world.new
    assert str(world.course.failure) == "it is worse"
    assert world.events[-1].text == "the old version has ended, so the new one stays, though: it is worse"


def test_a_canary_whose_old_java_ends_gets_all(world):
    def canary():
        world.fronts.plan = replace(world.old.plan.front, beside=Beside(behind=world.new.plan.behind, models=()))
        world.old.torchserve.has_ended = True
        world.course._pause(0.0)

    world.course._try_on_some = canary
    world.course.run()
    assert world.server.live is world.new
    assert world.fronts.plan == world.new.plan.front


def test_it_is_put_back_however_often_that_fails(world):
    def fail():
        world.fronts.failures, world.on_check = 3, lambda: None
        raise BerthError("it is worse")

    world.once_switched(fail)
    with pytest.raises(BerthError, match="it is worse"):
        world.course.run()
    assert (world.server.live, world.server.others, world.fronts.plan) == (world.old, [], world.old.plan.front)
    assert world.steps[-3:] == ["again", "put back", "removed"]
    assert "/etc/keys: Permission denied" in world.events[-3].text
    assert world.fronts.was_changing[-1] is False  # the launcher looks after the old one again


@pytest.mark.parametrize(("patience_s", "live"), [(10.0, "new"), (0.0, "old")])
def test_a_front_that_is_started_again_puts_nothing_back(world, monkeypatch, patience_s, live):
    answers = itertools.cycle(["the front (haproxy) is not running", None])

    class Live:
        why_not_ready = property(lambda _: next(answers))

        def counters(self, _):
            if why_not := next(answers):
                raise BerthError(why_not)
            return Counters()

    world.fronts.live = Live()
    monkeypatch.setattr(module, "FRONT_AGAIN_S", patience_s)
    with suppress(BerthError):
        world.course.run()
    assert world.server.live is getattr(world, live)


def test_a_java_that_never_loaded_answered_nobody(world):
    world.new.watch.has_started = False
    world.new.torchserve.has_ended = True
    with pytest.raises(BerthError, match="ended by itself"):
        world.course.run()
    assert world.steps == ["removed"]
    assert "ended before it was loaded" in world.events[0].text


def test_the_new_one_gets_what_the_old_one_left(world, monkeypatch):
    asked = []

    class Management:
        def __init__(self, _url):
            pass

        __enter__ = lambda self: self  # noqa: E731
        __exit__ = lambda *_: None  # noqa: E731

        def scale(self, model, workers):
            asked.append((model, workers))

    alone = replace(world.new.plan.memory, workers=4, max_workers=4)
    monkeypatch.setattr(module, "ManagementClient", Management)
    monkeypatch.setattr(module, "plan_alone", lambda *_: alone)
    world.course.run()
    assert world.published[-1].capacity.reason.startswith("a rollout goes on")
    world.course.finish()
    assert asked == [("bert/1.0", 4), ("other/1.0", 4)]
    assert (world.server.live.plan.num_workers, world.published[-1].capacity.max_workers) == (4, 4)
    assert world.fronts.was_changing == [False]


def test_golden_inputs_of_which_none_is_answered_now_are_a_wrong_file(world, monkeypatch):
    world.course.order = Order(action=Action.ROLLOUT, golden=["a", "b"])
    world.make_newer()
    answered = Answered(results=(None, None), ms=(1.0, 1.0), refusal="no such field")
    monkeypatch.setattr(module, "ask_golden", lambda *_: answered)
    with pytest.raises(BerthError, match=r"bert 1\.0 answers none of the --golden inputs: no such field"):
        world.course.run()
    assert [event.text for event in world.events if "2 refused by both" in event.text]


def test_inputs_that_only_the_old_one_answers_put_it_back(world, monkeypatch):
    world.make_newer()
    answers = iter([("is", "was"), (None, "was")])  # the old one is asked first
    answered = (Answered(results=tuple(each), ms=(1.0, 1.0), refusal="no such field") for each in answers)
    monkeypatch.setattr(module, "ask_golden", lambda *_: next(answered))
    with pytest.raises(BerthError, match="bert refuses 1 inputs that are answered now: no such field"):
        world.course.run()
    assert (world.server.live, world.server.others) == (world.old, [])
    assert world.steps == ["proven", "compared", "removed"]  # no client was led anywhere


FAST, SLOW = Counters(requests=30, mean_ms=10.0), Counters(requests=30, mean_ms=71.0)
FEW = Counters(requests=19, mean_ms=1000.0)


@pytest.fixture
def short(monkeypatch):
    """A time of observation is long enough, however short."""
    monkeypatch.setattr(judge, "WARM_S", 0.0)


@pytest.mark.usefixtures("short")
def test_a_slower_version_is_put_back(world):
    world.fronts.live.counters = lambda _: SLOW if world.server.live is world.new else FAST
    with pytest.raises(BerthError, match="the new bert is worse: a request takes 71 ms on average, and took 10"):
        world.course.run()
    assert (world.server.live, world.fronts.plan) == (world.old, world.old.plan.front)
    assert world.steps == ["proven", "switched", "put back", "removed"]


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize(
    ("worse", "why"), [(Counters(requests=30, errors=1), "1 of 30 answers are errors"), (SLOW, "a request takes 71 ms")]
)
def test_a_worse_canary_gets_no_more_and_the_old_one_all(world, worse, why):
    world.make_newer()
    world.course.order = Order(action=Action.ROLLOUT, observe_s=0.01, canary_percent=10)
    world.fronts.live.counters = lambda backend: worse if backend.endswith(BESIDE) else FAST
    with pytest.raises(BerthError, match=f"the new bert is worse: {why}"):
        world.course.run()
    assert (world.server.live, world.fronts.plan) == (world.old, world.old.plan.front)
    assert world.steps == ["proven", "compared", "canary", "put back", "removed"]


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize(
    ("new", "words"),
    [
        (FEW, "the old one: 30 requests, 0 errors, 10 ms on average; too few to judge (19 of 20)"),
        (Counters(), "no requests; the old one: 30 requests, 0 errors, 10 ms on average; too few to judge (0 of 20)"),
        (FAST, "the old one: 30 requests, 0 errors, 10 ms on average"),
    ],
)
def test_a_canary_that_few_asked_goes_on_and_says_so(world, new, words):
    world.make_newer()
    world.course.order = Order(action=Action.ROLLOUT, observe_s=0.01, canary_percent=10)
    world.fronts.live.counters = lambda backend: new if backend.endswith(BESIDE) else FAST
    world.course.run()
    assert world.server.live is world.new
    canary = [event for event in world.events if event.step == "canary"][-1]
    assert canary.text.endswith(words)
    assert canary.facts["judged"] == (new is FAST)
