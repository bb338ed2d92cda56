"""Which archives are to be served after an order. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ...archive.served_model import ServedModel
from ...errors import Refused
from ...rollout.messages import Action, Order
from ...rollout.state import State, require_before


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """One that is to be served."""

    path: Path
    """By which it is known."""
    source: Path
    """Where it is read: what stays live stays as it was unpacked, whatever is at its path by now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """What is live: the archives, and the model of each."""

    archives: tuple[Path, ...]
    models: tuple[ServedModel, ...]

    @property
    def by_name(self) -> dict[str, Archive]:
        """The archive of each model."""
        pairs = zip(self.models, self.archives, strict=True)
        return {model.name: Archive(path=path, source=model.folder) for model, path in pairs}

    @property
    def names(self) -> str:
        """The models, for a sentence."""
        return ", ".join(f"{model.name} {model.version}" for model in self.models)


def archives_after(order: Order, live: Served, state: State, name: str) -> tuple[Archive, ...]:
    """List what is to be served; Refused where the order does not fit what is. `name`: of the order's archive."""
    archive = Path(order.archive)
    new = Archive(path=archive, source=archive)
    match order.action:
        case Action.ROLLOUT if name not in live.by_name:
            raise Refused(f"{archive} is {name}, and served is {live.names}: `berth register {archive}` adds it")
        case Action.ROLLOUT | Action.TAKE if name in live.by_name:
            return tuple(new if each == name else kept for each, kept in live.by_name.items())
        case Action.REGISTER if name in live.by_name:
            raise Refused(f"{name} is served already ({live.names}): `berth rollout {archive}` replaces it")
        case Action.REGISTER | Action.TAKE:
            return (*live.by_name.values(), new)
        case Action.UNREGISTER:
            return _without(order.name, live)
        case _:
            return tuple(Archive(path=path, source=path) for path in require_before(state))


def _without(name: str, live: Served) -> tuple[Archive, ...]:
    if name not in live.by_name:
        raise Refused(f"there is no model {name!r} here: this server has {live.names}")
    if len(live.models) == 1:
        raise Refused(f"{name} is the only model that is served: to serve nothing, end `berth serve`")
    return tuple(kept for each, kept in live.by_name.items() if each != name)


def changed(old: Sequence[ServedModel], new: Sequence[ServedModel]) -> list[tuple[ServedModel, ServedModel]]:
    """Pair the models whose archive is another one, by name."""
    former = {model.name: model for model in old}
    return [
        (former[model.name], model)
        for model in new
        if model.name in former and former[model.name].folder != model.folder
    ]


def require_same_tasks(old: Sequence[ServedModel], new: Sequence[ServedModel]) -> None:
    """Refused where a name would answer with another kind of result."""
    for was, now in changed(old, new):
        if was.task != now.task:
            raise Refused(
                f"{now.name} is served as {was.task or 'a handler of its own'}, and {now.version} is of the task "
                f"{now.task or 'that its own handler has'}: clients would get other results; pack it with another "
                "--name and `berth register` it"
            )


def without_change(new: Sequence[ServedModel], old: Sequence[ServedModel]) -> bool:
    """Whether both serve the same content under the same names."""
    return {(model.name, model.folder) for model in new} == {(model.name, model.folder) for model in old}
