"""Who holds a folder of a bucket, which knows no locks: an object that its run writes again and again.

Of two runs of one machine the second is refused at once, and one that was killed there lets go at once: they hold a
file of the machine too. A run of another machine that finds such an object waits whether it still changes. Two that
begin at the same moment both write theirs; the one whose object is gone at its next look ends.
"""

import fcntl
import hashlib
import os
import secrets
import time
from pathlib import Path
from typing import Any

import msgspec

from ...archive.unpack import CACHE_VARIABLE, cache_folder
from ...console import say
from ...errors import BerthError, Refused, UsageError
from .address import BucketPath
from .bucket import read_object, remove_object, write_object

NAME = ".run"
BEAT_S = 10.0
"""At this distance the object is written again."""
SILENCE_S = 4 * BEAT_S
"""A run that has written nothing for so long is over, or will find out that another has taken its place."""
LOOK_S = 2.0
BOOT = Path("/proc/sys/kernel/random/boot_id")


class Holder(msgspec.Struct, frozen=True, kw_only=True):
    """What the object says."""

    run: str
    file: str
    """Which file of which machine it holds as well."""
    beat: int = 0


class Lock:
    """A folder that is held."""

    def __init__(self, place: BucketPath) -> None:
        """Take it; Refused where another run holds it, UsageError where it cannot be written."""
        self._place, self._object = place, place / NAME
        self._file = _hold_file(place)
        self._mine = Holder(run=secrets.token_hex(8), file=_describe(self._file))
        try:
            self._wait_for_silence()
            self._write()
            self.require()
        except BaseException:
            self._file.close()
            raise

    def require(self) -> None:
        """Refused where another run has taken it."""
        there = self._read()
        if there and there.run != self._mine.run:
            raise Refused(f"another `berth bulk` writes to {self._place} now: this one ends, and the other goes on")

    def beat(self) -> None:
        """Say that this run still holds it; Refused where another has taken it."""
        self.require()
        self._mine = msgspec.structs.replace(self._mine, beat=self._mine.beat + 1)
        self._write()

    def release(self) -> None:
        """Let go."""
        remove_object(self._object)
        self._file.close()

    def abandon(self) -> None:
        """Let go on this machine alone: the place cannot be reached, or is another run's."""
        self._file.close()

    def _wait_for_silence(self) -> None:
        there = self._read()
        if there is None or there.file == self._mine.file:
            return
        say(f"another run held {self._place} and did not let go: looking for {SILENCE_S:.0f} s whether it still runs")
        end_s = time.monotonic() + SILENCE_S
        while time.monotonic() < end_s:
            time.sleep(LOOK_S)
            now = self._read()
            if now is None:
                return
            if now != there:
                raise Refused(f"another `berth bulk` writes to {self._place}: wait for it, or choose another")

    def _read(self) -> Holder | None:
        content = read_object(self._object)
        if content is None:
            return None
        try:
            return msgspec.json.decode(content, type=Holder)
        except msgspec.DecodeError as error:
            raise UsageError(f"{self._object} is not berth's: choose another --output") from error

    def _write(self) -> None:
        write_object(self._object, msgspec.json.encode(self._mine))


def _hold_file(place: BucketPath) -> Any:
    """A file of this machine for this folder, which the kernel lets go of with this process."""
    file = _open_file(cache_folder().with_name("berth-bulk"), hashlib.sha256(str(place).encode()).hexdigest())
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise Refused(f"another `berth bulk` writes to {place}: wait for it, or choose another") from None
    return file


def _open_file(folder: Path, name: str) -> Any:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return (folder / f"{name}.lock").open("a")
    except OSError as error:
        raise BerthError(
            f"{folder} cannot be written: {error.strerror}; a run into a bucket holds a file there: set "
            f"{CACHE_VARIABLE} to a folder that can be"
        ) from error


def _describe(file: Any) -> str:
    """The same for this file alone: boot, device, number."""
    stat = os.fstat(file.fileno())
    return f"{BOOT.read_text().strip()}:{stat.st_dev}:{stat.st_ino}"
