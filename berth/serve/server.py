"""A running server: the generation that is live, one that may come or go beside it, and the fronts before them."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..clients.launcher import health_endpoint
from ..errors import BerthError
from ..front.alone import running_page
from ..front.succession import Fronts, running_fronts
from ..health.report import STOPPING, Health, Report
from ..health.server import HealthServer
from ..monitoring.launcher import LauncherNumbers, Watched
from ..process.kept import KeptProcess
from .generation import Generation
from .plan import ServerPlan

NOT_ALONE = "a rollout goes on, and two versions share the memory until it is done"


@dataclass(kw_only=True)
class Server:
    """What answers behind the addresses of the settings. Another thread may replace what is live."""

    folder: Path
    """The run folder."""
    health: HealthServer
    forks: subprocess.Popen[str] | None
    """The process that all workers live by."""
    live: Generation = field(init=False)
    """What clients reach."""
    others: list[Generation] = field(default_factory=list)
    """What has requests of clients still, or not yet."""
    is_stopping: bool = False
    is_changing: bool = False
    """Whether somebody changes what is live, and sees to it meanwhile."""
    fronts: Fronts | None = None
    page: KeptProcess | None = None
    """The page to try the models, where no front has it."""
    orders: str = ""
    """Where orders are taken; "" where none are."""
    no_orders: str = "its models are loading"
    numbers: LauncherNumbers = field(default_factory=LauncherNumbers)
    _number: int = 0

    def start(self, plan: ServerPlan) -> Generation:
        """Start a generation that no client reaches yet."""
        self._number += 1
        return Generation.start(plan, self.folder / f"g{self._number}", self.forks)

    def start_beside(self, plan: ServerPlan) -> Generation:
        """Start a generation beside the live one."""
        generation = self.start(plan)
        self.others.append(generation)
        self.publish()
        return generation

    def forget(self, generation: Generation) -> None:
        """Note that a generation beside the live one has ended."""
        self.others.remove(generation)
        self.publish()

    def stop(self) -> None:
        """Let others know that it ends: nothing looks at the models any more."""
        self.is_stopping = True
        self.publish()
        for generation in self.generations:
            generation.watch.stop()

    def lead(self, live: Generation) -> None:
        """Note which generation the addresses lead to now, and say so to whoever asks."""
        self.others = [each for each in self.generations if each is not live]
        self.live = live
        self.publish()

    def publish(self) -> None:
        """Let others know what is live."""
        self.health.publish(self.report())

    @property
    def generations(self) -> tuple[Generation, ...]:
        """All that may have requests, the live one first."""
        return (self.live, *self.others)

    @property
    def is_open(self) -> bool:
        """Whether clients get through; BerthError where the front has ended, and so will never run."""
        if self.fronts is None:
            return True
        self.fronts.live.require_running()
        return self.fronts.live.why_not_ready is None

    def report(self) -> Report:
        """What the launcher lets others know."""
        capacity = replace(self.live.plan.capacity, orders=self.orders, no_orders=self.no_orders)
        if self.others:  # what is left of the memory is theirs
            capacity = replace(capacity, max_workers=self.live.plan.num_workers, reason=NOT_ALONE)
        return Report(health=self._health, capacity=capacity, metrics=self._metrics)

    def look(self) -> None:
        """Look after the fronts, or the page."""
        if looked_after := self.fronts or self.page:
            looked_after.look()

    def _metrics(self) -> str:
        """The launcher's numbers, and the front's where it gives some now, as Prometheus reads them."""
        watched = [
            Watched(model=model, numbers=generation.watch.numbers()[model.path])
            for generation in self.generations
            for model in generation.plan.models
        ]
        own = self.numbers.render(watched, self._health(), self.live.plan.memory)
        try:
            return own + (self.fronts.metrics() if self.fronts else "")
        except BerthError:  # it is started again
            return own

    def _health(self) -> Health:
        """The health of the models, which nobody reaches without the front."""
        if self.is_stopping:
            return STOPPING
        health = self.live.watch.health()
        why_not = self.fronts.live.why_not_ready if self.fronts else None
        return replace(health, ready=health.ready or why_not) if why_not else health


@contextmanager
def running_server(
    plan: ServerPlan, folder: Path, health: HealthServer, forks: subprocess.Popen[str] | None
) -> Iterator[Server]:
    """Start the first generation and the front, and at the end of the block all are killed."""
    server = Server(folder=folder, health=health, forks=forks)
    server.live = server.start(plan)
    try:
        if plan.front is None:
            with running_page(plan.settings, plan.models, health_endpoint(os.environ), folder) as server.page:
                yield server
            return
        with running_fronts(plan.front, folder) as server.fronts:
            yield server
    finally:
        for generation in server.generations:
            generation.held.close()
