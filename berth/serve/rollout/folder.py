"""`berth serve --watch FOLDER`: archives that appear in a folder take the place of their names, or are served too."""

import contextlib
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from ...console import say
from ...rollout.messages import Action, Event, Order
from .orders import REFUSED, TRANSIENT, Orders, describe_error

LOOK_S = 2.0
OBSERVE_S = 60.0
AGAIN_S = 60.0  # after what may pass: a full disk, memory that others hold
SUFFIX = ".mar"

Stamp = tuple[int, int, int]
"""A file's inode, size and time of its last change: what is written or moved there anew has another."""


@dataclass(kw_only=True)
class WatchedFolder:
    """A folder, and what is known of its archives. What lies there at the start is known, and not served for it."""

    folder: Path
    _known: dict[Path, Stamp] = field(default_factory=dict)
    """Files that were tried, or need not be."""
    _seen: dict[Path, Stamp] = field(default_factory=dict)
    _again: dict[Path, float] = field(default_factory=dict)
    """Files that are to be tried again, and when, in s of the monotonic clock."""
    _hindrance: str = ""
    """Why the folder could not be read at the last look."""

    def __post_init__(self) -> None:
        self._known = self._list()

    def look(self) -> list[Path]:
        """List the archives that are new and have not changed since the last look, each once until it changes."""
        before, self._seen = self._seen, self._list()
        for path in [path for path, when_s in self._again.items() if when_s <= time.monotonic()]:
            del self._again[path]
            self._known.pop(path, None)
        new = [path for path, stamp in self._seen.items() if self._known.get(path) != stamp == before.get(path)]
        self._known |= {path: self._seen[path] for path in new}
        return sorted(new, key=lambda path: self._seen[path][2])

    def follow(self, orders: Orders, ended: threading.Event) -> None:
        """Take up what appears, until the launcher ends; the log says what became of each."""
        while not ended.wait(LOOK_S):
            for archive in self._look():
                order = Order(action=Action.TAKE, archive=str(archive.absolute()), observe_s=OBSERVE_S)
                events: list[Event] = []
                orders.carry_out(msgspec.json.encode(order), events.append, orders.check_stopping)
                if events[-1].step == REFUSED:  # somebody else's order goes on
                    self.try_again(archive)
                elif events[-1].facts.get(TRANSIENT):
                    say(f"{archive} is tried again in {AGAIN_S:g} s")
                    self.try_again(archive, AGAIN_S)

    def try_again(self, path: Path, after_s: float = 0.0) -> None:
        """List an archive again at the first look after so many seconds: nothing was found out about it."""
        self._again[path] = time.monotonic() + after_s

    def _look(self) -> list[Path]:
        """Look; nothing where that cannot be done, which is said once."""
        try:
            found, hindrance = self.look(), ""
        except OSError as error:
            found, hindrance = [], describe_error(error)
        if hindrance and hindrance != self._hindrance:
            say(f"{self.folder} cannot be looked at, which is tried again and again: {hindrance}")
        self._hindrance = hindrance
        return found

    def _list(self) -> dict[Path, Stamp]:
        found = {}
        for path in self.folder.glob(f"*{SUFFIX}"):
            with contextlib.suppress(OSError):  # it was moved away meanwhile
                stat = path.stat()
                found[path] = (stat.st_ino, stat.st_size, stat.st_mtime_ns)
        return found
