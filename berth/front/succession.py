"""The front that takes clients now, and those before it, which still answer what they took.

A new HAProxy takes the listening sockets over from the running one, which then ends by itself: every answer that it
still gives tells its client to connect anew, and a kept HTTP/2 connection gets its GOAWAY. So an address is never
closed, and no request is lost (docs/decisions/rollout.md).
"""

import contextlib
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..errors import BerthError
from ..settings import Settings
from ..wait import wait_until
from .front import Front, running_front
from .plan import FrontPlan

CLOSE_S = 5.0  # it takes milliseconds
ROOM_S = 10.0  # for some batches
FRONTS = 2  # that lead to one TorchServe at once


@dataclass(frozen=True, slots=True, kw_only=True)
class _Life:
    front: Front
    plan: FrontPlan
    folder: Path
    held: contextlib.ExitStack

    def end(self) -> None:
        """End what still runs of it, and leave nothing of it behind."""
        self.held.close()
        shutil.rmtree(self.folder, ignore_errors=True)


@dataclass(kw_only=True)
class Fronts:
    """The fronts of one server, each in a folder of its own."""

    folder: Path
    _number: int = 0
    _live: _Life | None = None
    _former: list[_Life] = field(default_factory=list)
    _is_limited: bool = False
    """Whether the live front sends TorchServe less than its queue holds, because a former one sends some too."""
    _lock: threading.Lock = field(default_factory=threading.Lock)
    """Nobody starts again what another thread ends."""

    @property
    def live(self) -> Front:
        """The front that takes clients; there is one inside `running_fronts`."""
        assert self._live is not None
        return self._live.front

    def switch(self, plan: FrontPlan) -> None:
        """Let another front take the clients; BerthError where it does not start, and then nothing has changed.

        While both lead to one TorchServe, they share what its queue holds.
        """
        old, share = self._live, self._make_room(plan)
        try:
            new = self._start(replace(plan, max_at_start=share))
        except BaseException:
            self._is_limited = share is not None  # until the next look
            raise
        with self._lock:
            self._live, self._is_limited = replace(new, plan=plan), share is not None
            if old:
                self._former.append(old)
                old.front.close()
        if old:  # a moment long both take connections
            wait_until(lambda: old.front.is_closed, CLOSE_S)

    def look(self) -> None:
        """Look after the live front, and forget those whose clients are all answered."""
        with self._lock:
            self.live.look()
            for life in [life for life in self._former if life.front.has_ended]:
                self._former.remove(life)
                life.end()
            if self._live and self._is_limited and not self._former:
                with contextlib.suppress(BerthError):  # it does not answer just now: at the next look
                    self.live.limit(self._live.plan.max_requests)
                    self._is_limited = False

    def is_left(self, behind: Settings) -> bool:
        """Whether no front leads to this TorchServe any more, not even one that only answers its last clients."""
        with self._lock:
            lives = [*self._former, *([self._live] if self._live else [])]
            return all(life.front.has_ended or not life.plan.leads_to(behind) for life in lives)

    @property
    def has_ended(self) -> bool:
        """Whether nobody is connected any more."""
        with self._lock:
            return all(life.front.has_ended for life in (*self._former, *([self._live] if self._live else [])))

    def follows(self, plan: FrontPlan) -> bool:
        """Whether the live front goes by this plan."""
        return self._live is not None and self._live.plan == plan

    def metrics(self) -> str:
        """Write the live front's numbers as Prometheus reads them; BerthError where it does not answer."""
        return self.live.metrics()

    def close(self) -> None:
        """End every front at once."""
        for life in [*self._former, *([self._live] if self._live else [])]:
            life.end()

    def _make_room(self, plan: FrontPlan) -> int | None:
        """Let the live front send less where the next one leads to the same TorchServe; how much that may send."""
        old = self._live
        if old is None or not {each.address for each in old.plan.backends} & {each.address for each in plan.backends}:
            return None
        versions = max(len(each) for each in (*plan.versions.values(), *old.plan.versions.values()))
        share = max(plan.max_requests // (FRONTS * versions), 1)
        with contextlib.suppress(BerthError):  # one that has ended sends nothing
            old.front.limit(share)
            wait_until(lambda: old.front.under_way <= share, ROOM_S)
        return share

    def _start(self, plan: FrontPlan) -> _Life:
        """Start a front; one that takes over is waited for, with its gateway, while the other one goes on."""
        self._number += 1
        folder = self.folder / f"f{self._number}"
        folder.mkdir()
        former = self._live.front if self._live else None
        with contextlib.ExitStack() as held:
            started = running_front(plan, folder, heir_of=former.runtime if former else None)
            front = held.enter_context(started)
            return _Life(front=front, plan=plan, folder=folder, held=held.pop_all())


@contextlib.contextmanager
def running_fronts(plan: FrontPlan, folder: Path) -> Iterator[Fronts]:
    """Start the first front; at the end of the block all are killed."""
    fronts = Fronts(folder=folder)
    try:
        fronts.switch(plan)
        yield fronts
    finally:
        fronts.close()
