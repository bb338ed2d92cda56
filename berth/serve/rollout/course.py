"""The course of a change: another generation is started, proven, compared, made the live one, observed; or put back."""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from subprocess import SubprocessError

from ...archive.versions import default_models
from ...clients.management import ManagementClient
from ...errors import BerthError
from ...front.plan import BESIDE, Beside, backend_of
from ...front.reports.counters import Counters
from ...machine.quantities import format_bytes
from ...rollout.comparison import compare
from ...rollout.golden import ask_golden, choose_golden
from ...rollout.messages import Event, Order
from ...wait import POLL_S, wait_until
from ..generation import Generation
from ..plan import ServerPlan
from ..request import Request
from ..server import Server
from .beside import Prepared, plan_alone, prepare_beside
from .change import changed, require_same_tasks
from .judge import why_not_judged, why_slower, why_worse
from .orders import CalledOff, Check, Emit, Stopping, describe_error

LOOK_S = 0.5
AGAIN_S = 2.0
FRONT_AGAIN_S = 10.0  # in which the launcher has started a front that ended again
LAST_CLIENTS_S = 65.0  # an HAProxy that ends takes 60 s at the most (GRACE_S of its configuration)
DRAIN_S = 60.0  # no batch that has begun takes longer


@dataclass(kw_only=True)
class Course:
    """One change, from the generation that is live to another one."""

    server: Server
    request: Request
    """With the archives that are to be served, where they are read."""
    order: Order
    emit: Emit
    check: Check
    old: Generation
    new: Generation = field(init=False)
    prepared: Prepared = field(init=False)
    failure: Exception | None = None
    """Why the new generation should not have stayed; it did, for the old one had ended."""

    def run(self) -> None:
        """Make the new generation the live one; what raises puts the old one back, unless the launcher ends.

        Where the old one has ended, the new one stays, and `failure` says why it should not.
        """
        self.prepared = self._prepare()
        self.new = self.server.start_beside(self.prepared.plan)
        try:
            self._prove()
            self._compare()
            self._try_on_some()
            self._switch()
        except Stopping:
            raise
        except Exception as error:
            self._put_back(error)
            if self.server.live is not self.new:
                raise
            self.failure = error

    def finish(self) -> None:
        """End the old generation, and give the new one what it left."""
        self.server.is_changing = False  # the launcher looks after the live one again
        self._remove(self.old)
        self._scale()

    def _prepare(self) -> Prepared:
        self.old.plan = _with_workers_now(self.old.plan)
        prepared = prepare_beside(self.request, self.old.plan, lambda _: self.check())
        models = prepared.plan.models
        require_same_tasks(self.old.plan.models, models)
        names = ", ".join(f"{model.name} {model.version}" for model in models)
        self._tell("verified", f"{names}, every byte")
        self._tell_memory(prepared)
        return prepared

    def _tell_memory(self, prepared: Prepared) -> None:
        memory = prepared.plan.memory
        needed, granted = memory.budget.total_bytes, memory.machine.memory.bytes
        text = (
            f"at most {format_bytes(needed)} of the {format_bytes(granted)} that {memory.machine.memory.source} grants"
            f"; {memory.told_workers}{prepared.shortage}"
        )
        self._tell("counted", text, needed_bytes=needed, granted_bytes=granted, workers=memory.workers_of)

    def _prove(self) -> None:
        began_s = time.monotonic()
        self.new.wait_until_loaded(lambda: False, self._pause, lambda: True)
        took_s = round(time.monotonic() - began_s, 1)
        self._tell("proven", f"the known answers came through HTTP, {took_s} s after its start", seconds=took_s)

    def _compare(self) -> None:
        for was, now in changed(self.old.plan.models, self.new.plan.models):
            golden = choose_golden(now.folder, self.order.golden)
            old, new = (
                ask_golden(generation.plan.behind.inference.url, now.name, golden, self.check)
                for generation in (self.old, self.new)
            )
            compared = compare(old, new)
            self._tell("compared", f"{now.name} {now.version} with {was.version}: {compared}", **compared.facts)
            if self.order.golden and old.is_refused:
                raise BerthError(f"{was.name} {was.version} answers none of the --golden inputs: {old.refusal}")
            if compared.refused:
                raise BerthError(f"{now.name} refuses {compared.refused} inputs that are answered now: {new.refusal}")

    def _try_on_some(self) -> None:
        """Give the new generation a share of the requests that name no version, and compare both."""
        percent, pairs = self.order.canary_percent, changed(self.old.plan.models, self.new.plan.models)
        if not percent or not pairs:
            return
        models = tuple(now for _, now in pairs)
        self._lead(self.old, Beside(behind=self.new.plan.behind, models=models, percent=percent))
        seconds = self.order.observe_s
        text = f"{percent} of 100 requests go to the new version for {seconds:g} s"
        self._tell("canary", text, percent=percent, seconds=seconds)
        backends = {now.name: backend_of(now) for now in models}
        beside = {name: backend + BESIDE for name, backend in backends.items()}
        self._observe("canary", beside, lambda name: self._counters(backends[name]))

    def _switch(self) -> None:
        before = {model.name: self._counters(backend_of(model)) for model in default_models(self.old.plan.models)}
        pairs = changed(self.old.plan.models, self.new.plan.models)
        served = {model.path for model in self.new.plan.models}
        former = tuple(was for was, _ in pairs if was.path not in served)
        self._lead(self.new, Beside(behind=self.old.plan.behind, models=former) if former else None)
        self._tell("switched", "clients' requests go to the new version; what was under way is answered by the old one")
        own = {model.name: backend_of(model) for model in default_models(self.new.plan.models)}
        self._observe("observed", own, lambda name: before.get(name, Counters()))

    def _observe(self, step: str, backends: dict[str, str], old: Callable[[str], Counters]) -> None:
        """Look at health, errors and latency for as long as was asked; BerthError as soon as the new one is worse."""
        end_s = time.monotonic() + self.order.observe_s
        counted: dict[str, Counters] = {}
        while True:
            self.new.require_running()
            health = self.new.watch.health()
            if why := health.live or health.ready:
                raise BerthError(f"the new version is not well: {why}")
            for name, backend in backends.items():
                counted[name] = self._counters(backend)
                if why := why_worse(old(name), counted[name]):
                    raise BerthError(f"the new {name} is worse: {why}")
            if time.monotonic() >= end_s:
                break
            self._pause(LOOK_S)
        for name, counters in counted.items():
            self._conclude(step, name, old(name), counters)

    def _conclude(self, step: str, name: str, old: Counters, new: Counters) -> None:
        """Tell what was counted of both; BerthError where the new one is slower."""
        seconds = self.order.observe_s
        if why := why_slower(old, new, seconds):
            raise BerthError(f"the new {name} is worse: {why}")
        unknown = why_not_judged(old, new, seconds)
        text = f"{name} for {seconds:g} s: {new}; the old one: {old}{f'; {unknown}' if unknown else ''}"
        facts = {"model": name, "seconds": seconds, "judged": unknown is None, "new": asdict(new), "old": asdict(old)}
        self._tell(step, text, **facts)

    def _put_back(self, error: Exception) -> None:
        """Let clients reach the old generation alone, and end the new one; where the old one has ended, keep that."""
        was_led_away = not self._leads_alone(self.old)
        to = self._insist(
            lambda: self.new if self.old.torchserve.has_ended and self.new.watch.has_started else self.old
        )
        self.server.is_changing = False
        if to is self.new:
            self._tell("kept", f"the old version has ended, so the new one stays, though: {describe_error(error)}")
            return
        if was_led_away:
            because = describe_error(error)
            self._tell("put back", f"clients' requests go to the old version again, because: {because}")
        self._remove(self.new)

    def _insist(self, choose: Callable[[], Generation]) -> Generation:
        """Let the addresses lead to a generation alone, tried until it works; Stopping where the launcher ends."""
        said = ""
        while not self._leads_alone(to := choose()):
            try:
                self._lead(to, None)
            except (BerthError, OSError, SubprocessError) as error:
                if not said:
                    said = describe_error(error)
                    self._tell("again", f"clients cannot be led, which is tried until it works: {said}")
                self._rest(AGAIN_S)
        return to

    def _leads_alone(self, to: Generation) -> bool:
        assert self.server.fronts is not None
        assert to.plan.front is not None
        return self.server.live is to and self.server.fronts.follows(to.plan.front)

    def _lead(self, to: Generation, beside: Beside | None) -> None:
        """Let the addresses lead to this generation; where the front has just ended, once it is started again."""
        fronts = self.server.fronts
        assert fronts is not None
        assert to.plan.front is not None
        wait_until(lambda: fronts.live.why_not_ready is None, FRONT_AGAIN_S, self._rest)
        fronts.switch(replace(to.plan.front, beside=beside))
        self.server.lead(to)

    def _remove(self, generation: Generation) -> None:
        """End a generation once its last client is answered."""
        fronts = self.server.fronts
        assert fronts is not None
        self._insist(lambda: self.server.live)
        wait_until(lambda: fronts.is_left(generation.plan.behind), LAST_CLIENTS_S, self._rest)
        wait_until(generation.drain(generation.plan.behind), DRAIN_S, self._rest)
        ended = generation.end(time.sleep)
        self.server.forget(generation)
        names = ", ".join(f"{model.name} {model.version}" for model in generation.plan.models)
        last = "answered its last request" if generation.watch.has_started else "ended before it was loaded"
        self._tell("removed", f"the java of {names} {last}{'' if ended else ' and was killed'}")

    def _scale(self) -> None:
        """Give the new generation the workers for which memory was too short before, and let others know."""
        plan = self.new.plan
        memory = plan_alone(self.request, plan, self.prepared.wanted)
        alone = replace(plan, memory=memory)
        if memory.workers > plan.num_workers:
            with ManagementClient(plan.behind.management.url) as management:
                for model in plan.models:
                    management.scale(model.path, workers=alone.workers_of(model))
            text = f"{memory.told_workers}, now that the old ones are gone"
            self._tell("scaled", text, workers=memory.workers_of)
        self.new.plan = alone
        self.server.publish()

    def _counters(self, backend: str) -> Counters:
        """What was counted of a backend; BerthError where none is said for FRONT_AGAIN_S: it may be started again."""
        assert self.server.fronts is not None
        end_s = time.monotonic() + FRONT_AGAIN_S
        while True:
            try:
                return self.server.fronts.live.counters(backend)
            except BerthError:
                if time.monotonic() >= end_s:
                    raise
            self._pause(LOOK_S)

    def _pause(self, pause_s: float = POLL_S) -> None:
        time.sleep(pause_s)
        self.check()
        if self.server.live is self.old:  # after the switch clients have no need of it
            self.old.require_running()

    def _rest(self, pause_s: float) -> None:
        """Sleep where nothing can be called off any more; Stopping where the launcher ends."""
        time.sleep(pause_s)
        with suppress(CalledOff):
            self.check()

    def _tell(self, step: str, text: str, **facts: object) -> None:
        self.emit(Event(step=step, text=text, facts=facts))


def _with_workers_now(plan: ServerPlan) -> ServerPlan:
    """The plan with the workers that each model has now: `berth scale` may have changed that."""
    with ManagementClient(plan.behind.management.url) as management:
        workers = {model.path: max(len(management.describe(model.path).workers), 1) for model in plan.models}
    return replace(plan, memory=plan.memory.with_workers_of(workers))
