"""The changes of one server: what is live by them, and what was before."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ...archive.kept import hold_only
from ...archive.served_model import read_model
from ...archive.signature import unpack_signed
from ...archive.unpack import cache_folder
from ...archive.verify import content_id
from ...rollout.messages import Action, Event, Order
from ...rollout.state import Kept, State, place_of
from ..request import Request
from ..server import Server
from .change import Archive, Served, archives_after, is_so, is_there
from .course import Course
from .orders import Check, Emit
from .redirect import redirect


@dataclass(kw_only=True)
class Rollouts:
    """What changes a server's archives, one order after the other."""

    server: Server
    request: Request
    """As the server was started; its archives are those that are live."""
    state: State

    def carry_out(self, order: Order, emit: Emit, check: Check) -> None:
        """Carry out an order; BerthError says why nothing has changed, and what was live is live again.

        Of what is so already the last event says that nothing was changed.
        """
        self.server.is_changing = True
        try:
            is_changed = self._change(order, emit, check)
        finally:
            self.server.is_changing = False
            self.hold_folders()
        live = self._live()
        back = "" if order.action is Action.ROLLBACK else "; `berth rollback` goes back"
        text = f"live: {live.names}{back}" if is_changed else f"it is so already, nothing was changed: {live.names}"
        facts = {"live": {name: model.version for name, model in live.defaults.items()}, "changed": is_changed}
        emit(Event(step="done", text=text, facts=facts, exit_code=0))

    def hold_folders(self) -> None:
        """Hold what is served, and what `berth rollback` goes back to: all else may be cleared."""
        served = {model.folder for generation in self.server.generations for model in generation.plan.models}
        cache = cache_folder()
        before = {cache / kept.content for kept in self.state.before}
        hold_only({folder for folder in served | before if folder.parent == cache})

    def _change(self, order: Order, emit: Emit, check: Check) -> bool:
        """Change what is served; False where it is so already."""
        before = self._live()
        try:
            archives = self._archives(order, check)
            if is_so(archives, before):
                return False
            if is_there(archives, before):
                self._redirect(archives, emit)
                return True
            course = self._course(order, archives, emit, check)
            course.run()
        except BaseException:
            self._note_replaced(_kept(before), emit)
            raise
        self._note_live(archives, before, emit)
        course.finish()
        if course.failure:
            raise course.failure
        return True

    def _redirect(self, archives: Sequence[Archive], emit: Emit) -> None:
        before = self._live()
        models = {model.folder: model for model in before.models}
        chosen = redirect(self.server, [models[archive.source] for archive in archives])
        self._note_live(archives, before, emit)
        text = " and ".join(f"{model.name} {model.version}" for model in chosen)
        emit(Event(step="switched", text=f"who names no version is answered by {text}; every version goes on"))

    def _note_live(self, archives: Sequence[Archive], before: Served, emit: Emit) -> None:
        self.request = replace(self.request, archives=tuple(archive.path for archive in archives))
        self._note(_kept(self._live()), _kept(before), emit)

    def _course(self, order: Order, archives: Sequence[Archive], emit: Emit, check: Check) -> Course:
        request = replace(self.request, archives=tuple(archive.source for archive in archives))
        return Course(server=self.server, request=request, order=order, emit=emit, check=check, old=self.server.live)

    def _note(self, live: tuple[Kept, ...], before: tuple[Kept, ...], emit: Emit) -> None:
        """Keep what is live for a restart."""
        self.state = replace(self.state, live=live, before=before)
        if warning := self.state.write():
            emit(Event(step="not kept", text=warning))

    def _note_replaced(self, live: tuple[Kept, ...], emit: Emit) -> None:
        """Keep what is live where the file of some of it was replaced, which a restart would serve instead."""
        if live != self.state.live and not all(kept.is_in_place for kept in live):
            self._note(live, self.state.before, emit)

    def _live(self) -> Served:
        return Served(archives=self.request.archives, models=self.server.live.plan.models)

    def _archives(self, order: Order, check: Check) -> tuple[Archive, ...]:
        new = None
        if order.archive:
            key, cache = self.request.signed_by, cache_folder()
            folder = unpack_signed(Path(order.archive), key, cache, advance=lambda _: check())
            new = read_model(folder.absolute())
        return archives_after(order, self._live(), self.state, new)


def _kept(served: Served) -> tuple[Kept, ...]:
    """Note each archive with the content that is served, whatever is at its path by now."""
    pairs = zip(served.archives, served.models, strict=True)
    return tuple(Kept(archive=str(place_of(path)), content=content_id(model.folder)) for path, model in pairs)
