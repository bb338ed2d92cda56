"""What is live, kept beside the archives: a server that is asked for the same again serves what was live last."""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from ..archive.unpack import cache_folder
from ..archive.verify import content_id
from ..console import say
from ..errors import BerthError, Refused

FILE = ".berth-live.json"
VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """An archive that was served."""

    archive: str
    """Its absolute path."""
    content: str
    """The id of its content then."""

    @property
    def is_in_place(self) -> bool:
        """Whether its path has this content still."""
        path = Path(self.archive)
        try:
            return path.exists() and content_id(path) == self.content
        except (OSError, BerthError):  # what lies there now is none, or half of one
            return False

    def find(self) -> Path:
        """Where the same content is: at its path, or unpacked in the cache; Refused where it is nowhere."""
        path, unpacked = Path(self.archive), cache_folder() / self.content
        if self.is_in_place:
            return path
        if unpacked.is_dir():
            return unpacked
        raise Refused(f"{path} is gone or has another content now, and what it was is no longer in {unpacked.parent}")


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What a server was asked for at its start, what is live, and what was before."""

    asked: tuple[str, ...]
    """Absolute paths."""
    live: tuple[Kept, ...] = ()
    """Empty: what was asked for."""
    before: tuple[Kept, ...] = ()
    """Empty: nothing was live before."""

    @classmethod
    def read(cls, archives: Sequence[Path]) -> Self:
        """Read what is kept of a server that was asked for these archives; nothing where nothing can be read."""
        asked = tuple(str(archive.absolute()) for archive in archives)
        try:
            kept = _read(archives).get(_key(asked), {})
            return (
                cls(asked=asked, live=_kept(kept["live"]), before=_kept(kept["before"])) if kept else cls(asked=asked)
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            say(f"{_file(archives)} cannot be read, so what was asked for is served: {error}")
            return cls(asked=asked)

    def archives(self) -> tuple[Path, ...]:
        """Return what is to be served: the contents that were live last, where all of them are still there."""
        asked = tuple(map(Path, self.asked))
        try:
            live = tuple(kept.find() for kept in self.live) or asked
        except (OSError, BerthError) as error:
            say(f"what was live last cannot be served, so what was asked for is: {error}")
            return asked
        if live == asked:
            return asked
        for kept in self.live:
            if not kept.is_in_place:
                say(
                    f"{kept.archive} is gone or was replaced; `berth rollout {kept.archive}` takes up what is there now"
                )
        names = ", ".join(map(str, live))
        say(f"served is what was live last: {names} (`berth rollback` goes back; {_file(asked)} says so)")
        return live

    def write(self) -> str:
        """Keep it; why that cannot be, where it cannot: "" where it is."""
        archives = tuple(map(Path, self.asked))
        file = _file(archives)
        try:
            kept = {"live": [asdict(each) for each in self.live], "before": [asdict(each) for each in self.before]}
            text = json.dumps({"version": VERSION, "servers": {**_read(archives), _key(self.asked): kept}}, indent=1)
            draft = file.with_name(f"{FILE}.{os.getpid()}")
            draft.write_text(text + "\n", encoding="utf-8")
            draft.replace(file)
        except (OSError, ValueError, KeyError, TypeError) as error:
            return f"{file} cannot be written ({error}): after a restart what was asked for is served again"
        return ""


def require_before(state: State) -> tuple[Path, ...]:
    """Return what was live before; Refused where nothing was, or it is gone."""
    if not state.before:
        raise Refused("nothing was live before: there is nothing to go back to")
    try:
        return tuple(kept.find() for kept in state.before)
    except OSError as error:
        raise BerthError(f"what was live before cannot be read: {error}") from error


def _file(archives: Sequence[Path]) -> Path:
    """Beside the first archive: the model store, where it is served from there."""
    return archives[0].absolute().parent / FILE


def _read(archives: Sequence[Path]) -> dict[str, Any]:
    file = _file(archives)
    if not file.is_file():
        return {}
    kept = json.loads(file.read_text("utf-8"))
    if kept["version"] != VERSION:
        raise ValueError(f"its version is {kept['version']}, and this berth knows {VERSION}")
    return dict(kept["servers"])


def _key(asked: Sequence[str]) -> str:
    return "\n".join(asked)


def _kept(entries: Any) -> tuple[Kept, ...]:
    return tuple(Kept(archive=str(each["archive"]), content=str(each["content"])) for each in entries)
