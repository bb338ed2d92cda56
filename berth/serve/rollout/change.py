"""Which archives are to be served after an order. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...archive.served_model import ServedModel
from ...archive.verify import content_id
from ...archive.versions import default_models, rank
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
    """What is live: the archives, and the model of each; of each name the first is the default."""

    archives: tuple[Path, ...]
    models: tuple[ServedModel, ...]

    @property
    def kept(self) -> dict[ServedModel, Archive]:
        """The archive of each model, as it is live."""
        pairs = zip(self.models, self.archives, strict=True)
        return {model: Archive(path=path, source=model.folder) for model, path in pairs}

    @property
    def defaults(self) -> dict[str, ServedModel]:
        """The model of each name that answers who names no version."""
        return {model.name: model for model in default_models(self.models)}

    @property
    def names(self) -> str:
        """The models, for a sentence; where a name has several versions, which one is the default."""
        return ", ".join(self._describe(model) for model in self.models)

    def _describe(self, model: ServedModel) -> str:
        is_alone = len([each for each in self.models if each.name == model.name]) == 1
        is_default = not is_alone and model in self.defaults.values()
        return f"{model.name} {model.version}{' (the default)' * is_default}"


def archives_after(order: Order, live: Served, state: State, new: ServedModel | None = None) -> tuple[Archive, ...]:
    """List what is to be served; Refused where the order does not fit what is. `new`: of the order's archive.

    What is so already stays as it is (`is_so`). A rollout replaces the default version of its name, and leaves the
    others; the first of a name is its default.
    """
    match order.action:
        case Action.ROLLBACK:
            return _before(live, state)
        case Action.UNREGISTER:
            return _without(order.name, live)
        case Action.DEFAULT:
            return _with_default(order.name, order.version, live)
    assert new is not None
    path = Path(order.archive)
    archive = Archive(path=path, source=path)
    if _is_served(path, new, order.action, live):
        return tuple(live.kept.values())
    if order.action is Action.ROLLOUT and new.name not in live.defaults:
        raise Refused(f"{path} is {new.name}, and served is {live.names}: `berth register {path}` adds it")
    if order.action is Action.REGISTER or new.name not in live.defaults:
        return (*live.kept.values(), archive)
    replaced = live.defaults[new.name]
    return tuple(archive if model == replaced else kept for model, kept in live.kept.items())


def _is_served(path: Path, new: ServedModel, action: Action, live: Served) -> bool:
    """Whether an archive is served already as is ordered; Refused where its version has another content.

    Registered is any version; in the default's place is the default alone.
    """
    same = next((model for model in live.models if model.path == new.path), None)
    if same is None:
        return False
    if same.folder != new.folder and content_id(same.folder) != content_id(new.folder):
        raise Refused(
            f"{path} is {new.name} {new.version}, and so is what is served, with another content: nobody could tell "
            "them apart; pack it with another --version"
        )
    if action is not Action.REGISTER and same not in live.defaults.values():
        raise Refused(
            f"what is served has this content already, as {new.name} {new.version}: `berth default {new.name} "
            f"{new.version}` makes it the default"
        )
    return True


def _before(live: Served, state: State) -> tuple[Archive, ...]:
    """What was live before; of that what is live is not read again."""
    found = zip(require_before(state), state.before, strict=True)
    known = {content_id(model.folder): kept for model, kept in live.kept.items()}
    return tuple(known.get(kept.content, Archive(path=path, source=path)) for path, kept in found)


def _without(name: str, live: Served) -> tuple[Archive, ...]:
    left = [model for model in live.models if name not in (model.name, model.path)]
    if len(left) == len(live.models):
        raise Refused(f"there is no model {name!r} here: this server has {live.names}")
    if not left:
        raise Refused(f"{name} is the only model that is served: to serve nothing, end `berth serve`")
    return _archives(left, live.defaults, live)


def _with_default(name: str, version: str, live: Served) -> tuple[Archive, ...]:
    chosen = next((model for model in live.models if (model.name, model.version) == (name, version)), None)
    if chosen is None:
        raise Refused(f"there is no {name} {version} here: this server has {live.names}")
    if chosen in live.defaults.values():
        return tuple(live.kept.values())
    return _archives(live.models, {**live.defaults, name: chosen}, live)


def _archives(models: Iterable[ServedModel], defaults: Mapping[str, ServedModel], live: Served) -> tuple[Archive, ...]:
    """The live archives of some models: names in the order that they have, the default first, then the highest."""
    names = list(live.defaults)
    ranked = sorted(models, key=lambda model: (model in defaults.values(), rank(model.version)), reverse=True)
    return tuple(live.kept[model] for model in sorted(ranked, key=lambda model: names.index(model.name)))


def changed(old: Sequence[ServedModel], new: Sequence[ServedModel]) -> list[tuple[ServedModel, ServedModel]]:
    """Pair, by name, the models that answered who names no version with those that will, where they are others."""
    former = {model.name: model for model in default_models(old)}
    return [
        (former[model.name], model)
        for model in default_models(new)
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


def is_so(archives: Sequence[Archive], live: Served) -> bool:
    """Whether these are live already, with the same defaults."""
    return list(archives) == list(live.kept.values())


def is_there(archives: Sequence[Archive], live: Served) -> bool:
    """Whether all of these are live and nothing else is, perhaps with other defaults."""
    return {archive.source for archive in archives} == {model.folder for model in live.models}
