"""Brings back workers that TorchServe does not: one try, and if that does not help the server is lost.

A process that hangs is killed, so that TorchServe starts another at once; its own responseTimeout would take a minute.
A zombie (TorchServe calls it READY and it has no process) and workers that TorchServe has given up are scaled away and
back.
"""

import os
import signal
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ..clients.management import ManagementClient, ModelState
from ..console import say
from ..errors import BerthError
from ..process.activity import look_at
from .diagnosis import DEAD_S, STUCK_S, ModelView, is_hanging, why_not_live, why_not_ready

HUNG_S = 2 * STUCK_S  # to be not ready for a moment costs nothing, to be killed costs a reload
AGAIN_S = 20.0  # by then a try shows in TorchServe's description


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedy:
    """What to do about which workers, by their places in TorchServe's list."""

    reason: str
    killed: Sequence[int] = ()
    scaled_from: int | None = None
    """The first of the workers that are scaled away and back, with all after it: TorchServe takes the last ones."""


def choose_remedy(view: ModelView) -> Remedy | None:
    """Choose what would help this model; None where nothing is needed, or TorchServe is at it or does not say. Pure."""
    if not view.is_described:
        return None
    zombies = [place for place, worker in enumerate(view.workers) if worker.is_ready and worker.absent_s >= STUCK_S]
    if zombies:
        return Remedy(reason="TorchServe has not noticed that a worker's process is gone", scaled_from=zombies[0])
    if view.workers and all(worker.absent_s >= DEAD_S for worker in view.workers):
        return Remedy(reason="TorchServe has given its workers up", scaled_from=0)
    if is_hanging(view, HUNG_S):
        hung = [place for place, worker in enumerate(view.workers) if worker.is_ready and worker.idle_s >= HUNG_S]
        return Remedy(reason=f"a worker hangs: a known text has waited for {view.check_s:.0f} s", killed=hung)
    return None


class Repairs:
    """Repairs one model, and remembers what was tried."""

    def __init__(self, management: ManagementClient, folder: Path | None = None) -> None:
        """`folder`: what its workers load the model from; None where that is not known."""
        self.lost: str | None = None
        """Why nothing but a new server helps."""
        self.num_renewed = 0
        """How many workers were scaled away and back."""
        self._management = management
        self._folder = folder
        self._tried_s: float | None = None
        self._num_given_up = 0

    def step(self, view: ModelView, state: ModelState, now_s: float) -> None:
        """Try what helps after a look, or note that it did not help."""
        self._report_given_up(view, state.name)
        remedy = choose_remedy(view)
        if self._folder and not os.access(self._folder, os.R_OK) and why_not_ready(view):
            self.lost = f"{self._folder} is gone, or cannot be read any more, and no worker starts without it"
        elif remedy is None:
            self.lost = self.lost or why_not_live(view)
            if why_not_ready(view) is None:  # it helped, so the next try is a first one
                self._tried_s = None
        elif self._tried_s is None:
            self._tried_s = now_s
            self._try(remedy, state)
        elif now_s - self._tried_s >= AGAIN_S:
            self.lost = f"{remedy.reason}, and what was done about it {now_s - self._tried_s:.0f} s ago did not help"

    def _report_given_up(self, view: ModelView, name: str) -> None:
        """Tell once that a worker was given up where others go on.

        To scale it away and back would take the others' requests along.
        """
        former, total = self._num_given_up, len(view.workers)
        self._num_given_up = sum(not worker.is_ready and worker.absent_s >= DEAD_S for worker in view.workers)
        if former < self._num_given_up < total:
            say(
                f"{name}: TorchServe has given up {self._num_given_up} of {total} workers, which could not be started "
                "again; the others go on. The log above says why; a restart brings them back"
            )

    def _try(self, remedy: Remedy, state: ModelState) -> None:
        what = "killed" if remedy.killed else "scaled away and back"
        say(f"{state.name}: {remedy.reason}: {what}")
        for place in remedy.killed:
            _kill(state.workers[place].pid)
        if remedy.scaled_from is not None:
            self._renew(remedy, remedy.scaled_from, state)

    def _renew(self, remedy: Remedy, first: int, state: ModelState) -> None:
        try:
            self._management.renew(state.path, first, len(state.workers))
        except BerthError as error:
            self.lost = f"{remedy.reason}, and scaling it away and back failed: {error}"
        else:
            self.num_renewed += len(state.workers) - first


def _kill(pid: int | None) -> None:
    if pid and look_at(pid):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
