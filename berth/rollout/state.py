"""What is live, kept beside the archives: a server that is asked for the same again serves what was live last."""

import fcntl
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from ..archive.unpack import cache_folder
from ..archive.verify import content_id
from ..archive.versions import highest_first
from ..console import say
from ..errors import BerthError, Refused
from ..process.locks import folder_lock

FILE = ".berth-live.json"
DAMAGED = f"{FILE}.damaged"
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


Served = tuple[tuple[Kept, ...], tuple[Kept, ...]]
"""What is live, and what was before."""
NOTHING: Served = ((), ())


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
        asked = tuple(str(place_of(archive)) for archive in archives)
        try:
            live, before = _read(_file(asked)).get(_key(asked), NOTHING)
        except OSError as error:
            say(f"{_file(asked)} cannot be read, so what was asked for is served: {error}")
            live, before = NOTHING
        return cls(asked=asked, live=live, before=before)

    def archives(self) -> tuple[Path, ...]:
        """Return what is to be served: the contents that were live last, where all of them are still there.

        Of each name the first is the default: the one that was chosen last, else the highest version.
        """
        asked = highest_first(tuple(map(Path, self.asked)))
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
        say(f"served is what was live last: {names} (`berth rollback` goes back; {_file(self.asked)} says so)")
        return live

    def write(self) -> str:
        """Keep it; why that cannot be, where it cannot: "" where it is."""
        file = _file(self.asked)
        try:
            with folder_lock(file.parent, fcntl.LOCK_EX):  # other launchers may serve archives beside it
                text = _to_text({**_read(file), _key(self.asked): (self.live, self.before)})
                draft = file.with_name(f"{FILE}.{os.getpid()}")
                draft.write_text(text, encoding="utf-8")
                draft.replace(file)
        except OSError as error:
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


def place_of(archive: Path) -> Path:
    """The one path by which an archive is known, however its folder was named; a link to an archive stays a link."""
    return archive.parent.resolve() / archive.name


def _file(asked: Sequence[str]) -> Path:
    """Beside the first archive: the model store, where it is served from there."""
    return Path(asked[0]).parent / FILE


def _read(file: Path) -> dict[str, Served]:
    """What is kept of each server; a damaged file is set aside, or nothing could ever be kept again."""
    try:
        kept = json.loads(file.read_text("utf-8"))
        if kept["version"] != VERSION:
            raise ValueError(f"its version is {kept['version']}, and this berth knows {VERSION}")
        return {key: (_kept(each["live"]), _kept(each["before"])) for key, each in kept["servers"].items()}
    except FileNotFoundError:
        return {}
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        aside = file.replace(file.with_name(DAMAGED))
        say(f"{file} cannot be read ({error!r}): it is set aside as {aside.name}, and what it said is lost")
        return {}


def _to_text(servers: Mapping[str, Served]) -> str:
    kept = {
        key: {"live": [asdict(each) for each in live], "before": [asdict(each) for each in before]}
        for key, (live, before) in servers.items()
    }
    return json.dumps({"version": VERSION, "servers": kept}, indent=1) + "\n"


def _key(asked: Sequence[str]) -> str:
    return "\n".join(asked)


def _kept(entries: Any) -> tuple[Kept, ...]:
    return tuple(Kept(archive=str(each["archive"]), content=str(each["content"])) for each in entries)
