"""A folder on this machine: a checkpoint, or a folder of the Hub's cache or of a training that holds checkpoints."""

from pathlib import Path

from ..checkpoint_files import REPOSITORY
from ..errors import Refused
from .origin import Source
from .trained import chosen_checkpoint, name_of_training

MOST_LISTED = 8


def local_source(folder: Path, address: str, name: str | None = None) -> Source:
    """The checkpoint in `folder`; `name` is what it is called elsewhere, when `folder` is only a copy.

    Raises Refused when it holds several and nothing says which.
    """
    notes: tuple[str, ...] = ()
    cached = _cached_repository(folder)
    if cached is not None:
        folder, note = _snapshot(cached)
        notes += (note,)
    commit = _commit(folder)
    if commit is not None:
        address = _repository(folder).name.removeprefix(REPOSITORY).replace("--", "/")
        name = name or address.rsplit("/", 1)[-1]
    name = name or name_of_training(folder) or folder.resolve().name
    folder, note = chosen_checkpoint(folder)
    notes += (note,) if note else ()
    return Source(folder=folder, name=name, address=address, revision=commit, notes=notes)


def _repository(snapshot: Path) -> Path:
    """models--org--name of models--org--name/snapshots/<commit>."""
    return snapshot.resolve().parent.parent


def _commit(folder: Path) -> str | None:
    """The commit that a folder of the cache is of; None for any other folder."""
    if folder.resolve().parent.name == "snapshots" and _repository(folder).name.startswith(REPOSITORY):
        return folder.resolve().name
    return None


def _cached_repository(folder: Path) -> Path | None:
    """The one model in a cache folder, which may be models--org--name, what holds it, or HF_HOME; None for others."""
    if folder.resolve().name.startswith(REPOSITORY) and (folder / "snapshots").is_dir():
        return folder
    models = sorted(each for cache in (folder, folder / "hub") for each in cache.glob(f"{REPOSITORY}*/"))
    if len(models) > 1:
        listed = ", ".join(model.name for model in models[:MOST_LISTED])
        raise Refused(f"{folder} is a cache of {len(models)} models: give one of its folders as the address ({listed})")
    return models[0] if models else None


def _snapshot(repository: Path) -> tuple[Path, str]:
    """The snapshot of refs/main, or the only one, and the sentence that says so."""
    snapshots = sorted(each for each in repository.glob("snapshots/*") if each.is_dir())
    reference = repository / "refs" / "main"
    main = reference.read_text(encoding="utf-8").strip() if reference.is_file() else None
    for snapshot in snapshots:
        if snapshot.name == main:
            return snapshot, f"of the cached {repository.name}, the snapshot of refs/main: {main}"
    if len(snapshots) == 1:
        return snapshots[0], f"of the cached {repository.name}, its only snapshot: {snapshots[0].name}"
    if not snapshots:
        raise Refused(f"{repository} holds no snapshot: its download was never finished, so download the model again")
    listed = ", ".join(snapshot.name for snapshot in snapshots[:MOST_LISTED])
    raise Refused(
        f"{repository} holds {len(snapshots)} snapshots and no refs/main that names one: give one of the folders in "
        f"{repository / 'snapshots'} ({listed})"
    )
