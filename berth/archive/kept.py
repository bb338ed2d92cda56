"""What berth keeps unpacked, and drafts of it: listed, held while a process uses it, cleared when nobody does.

A launcher holds its folders by shared locks, which end with its process however that ends, or when others are held in
their place; clearing takes the lock for itself. A folder on a file system without locks cannot be held.
"""

import contextlib
import fcntl
import json
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ..errors import BerthError
from .content import MANIFEST, SIGNATURE_SUFFIX

DRAFT_PREFIX = ".unpacking-"
_HELD: dict[Path, int] = {}
"""The folders that this process holds, each with the descriptor whose lock does it."""
_HELD_LOCK = threading.Lock()


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One folder in the cache."""

    folder: Path
    model: str | None
    """The model's name; None where it is no unpacked archive."""
    size_bytes: int
    age_s: float
    """Since it was unpacked."""
    is_held: bool
    """Whether a running process uses it."""
    is_draft: bool
    """Whether it is unfinished: being unpacked, or left by a process that was killed meanwhile."""


def hold(folder: Path) -> bool:
    """Keep a folder from being cleared until this process lets go of it; False where it is not there (any more)."""
    try:
        descriptor = _share(folder)
    except FileNotFoundError:
        return False
    except OSError:  # it cannot be opened: whoever reads it will say so
        return True
    with _HELD_LOCK:
        former = _HELD.pop(folder.absolute(), None)
        _HELD[folder.absolute()] = descriptor
    if former is not None:
        os.close(former)
    return True


def hold_only(folders: Iterable[Path]) -> None:
    """Hold those of these folders that are there, and let go of all others that this process holds."""
    wanted = {folder.absolute() for folder in folders}
    for folder in wanted:
        hold(folder)
    with _HELD_LOCK:
        for folder in _HELD.keys() - wanted:
            os.close(_HELD.pop(folder))


@contextlib.contextmanager
def drafting(parent: Path, prefix: str = DRAFT_PREFIX) -> Iterator[Path]:
    """A new folder in `parent` for what is not whole yet: held, and removed at the end of the block.

    What processes left that were killed meanwhile, each a folder of a model's size, is removed before.
    """
    _clear_left(parent, prefix)
    while True:
        draft = Path(tempfile.mkdtemp(dir=parent, prefix=prefix))
        try:
            descriptor = _share(draft)
        except FileNotFoundError:  # it was cleared before it could be held
            continue
        try:
            yield draft
        finally:
            shutil.rmtree(draft, ignore_errors=True)
            os.close(descriptor)
        return


def list_kept(cache: Path) -> list[Kept]:
    """All that is kept, in order of the models' names; drafts come first."""
    found = []
    for folder in _folders(cache):
        with contextlib.suppress(FileNotFoundError):  # another process is clearing it
            found.append(_look(folder))
    return sorted(found, key=lambda kept: (kept.model or "", kept.folder))


def clear_kept(cache: Path) -> list[Kept]:
    """Remove what no running process uses, and return it."""
    return [kept for kept in list_kept(cache) if _clear(kept.folder)]


def _clear_left(parent: Path, prefix: str) -> None:
    """Remove the drafts that nobody holds, as far as that can be done."""
    for draft in parent.glob(f"{prefix}*"):
        if draft.is_dir() and not draft.is_symlink():
            with contextlib.suppress(BerthError):  # another user's
                _clear(draft, prefix)


def _share(folder: Path) -> int:
    """Open a folder with a shared lock, which closing ends; FileNotFoundError where it is not there (any more)."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_SH)
        if not os.path.samestat(os.fstat(descriptor), folder.stat()):
            raise FileNotFoundError(folder)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _folders(cache: Path) -> list[Path]:
    try:
        return [path for path in cache.iterdir() if path.is_dir() and not path.is_symlink()]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise BerthError(f"{cache} cannot be read: {error.strerror}; set XDG_CACHE_HOME to another folder") from error


def _clear(folder: Path, prefix: str = DRAFT_PREFIX) -> bool:
    """Remove a folder unless it is held; by another name, so that nobody finds a part of it."""
    with _alone(folder) as is_free:
        if not is_free:
            return False
        draft = folder.with_name(f"{prefix}{folder.name.removeprefix(prefix)}-{os.getpid()}")
        try:
            folder.rename(draft)
            shutil.rmtree(draft)
            folder.with_name(folder.name + SIGNATURE_SUFFIX).unlink(missing_ok=True)
        except FileNotFoundError:  # another process was first
            return False
        except OSError as error:
            raise BerthError(f"{folder} cannot be removed: {error.strerror}") from error
        return True


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[bool]:
    """Whether nobody holds a folder; if so nobody else does meanwhile."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        yield False
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        is_free = True
    except OSError:
        is_free = False
    try:
        yield is_free
    finally:
        os.close(descriptor)


def _look(folder: Path) -> Kept:
    with _alone(folder) as is_free:
        is_held = not is_free
    return Kept(
        folder=folder,
        model=_model_name(folder),
        size_bytes=sum(map(_file_size, folder.rglob("*"))),
        age_s=time.time() - folder.stat().st_mtime,
        is_held=is_held,
        is_draft=folder.name.startswith(DRAFT_PREFIX),
    )


def _file_size(path: Path) -> int:
    with contextlib.suppress(OSError):  # another user's
        return path.stat().st_size if path.is_file() else 0
    return 0


def _model_name(folder: Path) -> str | None:
    try:
        return str(json.loads((folder / MANIFEST).read_bytes())["model"]["modelName"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
