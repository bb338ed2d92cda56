"""The changes of one server: what is live by them, and what was before."""

from dataclasses import dataclass, replace
from pathlib import Path

from ...archive.served_model import read_model
from ...archive.signature import unpack_signed
from ...archive.unpack import cache_folder
from ...archive.verify import content_id
from ...rollout.messages import Action, Event, Order
from ...rollout.state import Kept, State
from ..request import Request
from ..server import Server
from .change import Served, archives_after
from .course import Course
from .orders import Check, Emit


@dataclass(kw_only=True)
class Rollouts:
    """What changes a server's archives, one order after the other."""

    server: Server
    request: Request
    """As the server was started; its archives are those that are live."""
    state: State

    def carry_out(self, order: Order, emit: Emit, check: Check) -> None:
        """Carry out an order; BerthError says why nothing has changed, and what was live is live again."""
        self.server.is_changing = True
        try:
            self._change(order, emit, check)
        finally:
            self.server.is_changing = False
        back = "" if order.action is Action.ROLLBACK else "; `berth rollback` goes back"
        facts = {"live": {model.name: model.version for model in self._live().models}}
        emit(Event(step="done", text=f"live: {self._live().names}{back}", facts=facts, exit_code=0))

    def _change(self, order: Order, emit: Emit, check: Check) -> None:
        before, request = self._live(), self._changed(order, check)
        course = Course(server=self.server, request=request, order=order, emit=emit, check=check, old=self.server.live)
        course.run()
        self.request = request
        self.state = replace(self.state, live=_kept(self._live()), before=_kept(before))
        if warning := self.state.write():
            emit(Event(step="not kept", text=warning))
        course.finish()

    def _live(self) -> Served:
        return Served(archives=self.request.archives, models=self.server.live.plan.models)

    def _changed(self, order: Order, check: Check) -> Request:
        name = ""
        if order.archive:
            key, cache = self.request.signed_by, cache_folder()
            folder = unpack_signed(Path(order.archive), key, cache, advance=lambda _: check())
            name = read_model(folder.absolute()).name
        return replace(self.request, archives=archives_after(order, self._live(), self.state, name))


def _kept(served: Served) -> tuple[Kept, ...]:
    """Note each archive with the content that is served, whatever is at its path by now."""
    pairs = zip(served.archives, served.models, strict=True)
    return tuple(Kept(archive=str(path.absolute()), content=content_id(model.folder)) for path, model in pairs)
