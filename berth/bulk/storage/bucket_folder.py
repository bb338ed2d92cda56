"""An output folder in a bucket, which knows neither a rename nor an end to append to.

A worker writes a part at once under its own name. The manifest is written whole, now and then: what it does not name is
made again, to the same bytes, and only what it names counts.
"""

import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from ...errors import BerthError, UsageError
from .address import BucketPath
from .bucket import find_drafts, has_others, is_as_written, read_object, remove_object, write_object
from .folder import MANIFEST, Written, rejects_name
from .lock import BEAT_S, Lock

AT_ONCE = 16
"""Requests."""


class BucketFolder:
    """A Folder of a bucket. A line of its manifest is kept BEAT_S after `append` at the latest."""

    def __init__(self, place: BucketPath) -> None:
        """Hold it; Refused where another run does, UsageError where it cannot be written."""
        self._place = place
        self._lock = Lock(place)
        self._content = bytearray()
        self._num_saved = 0
        """Bytes of the manifest that are in the bucket."""
        self._drafts: dict[int, str] = {}
        """Parts that workers may have written, and that are in no manifest."""
        self._failure: BerthError | None = None
        self._guard, self._is_over = threading.Lock(), threading.Event()
        self._beating = threading.Thread(target=self._beat, daemon=True)
        try:
            self._content += self._read()
        except BaseException:
            self._lock.release()
            raise
        self._num_saved = len(self._content)
        self._beating.start()

    def __str__(self) -> str:
        return str(self._place)

    def read_manifest(self) -> bytes:
        """What its manifest holds."""
        return bytes(self._content)

    def cut_manifest(self, size: int) -> None:
        """Leave the first `size` bytes of the manifest."""
        del self._content[size:]
        self._num_saved = min(self._num_saved, size)

    def append(self, line: bytes) -> None:
        """Add a line; the first is in the bucket when this returns."""
        if self._failure:
            raise self._failure
        with self._guard:
            self._content += line
        if not self._num_saved:
            self._save()

    def draft(self, number: int, name: str) -> str:
        """The place of the part itself."""
        self._drafts[number] = name
        return (self._place / name).address()

    def publish(self, number: int, name: str) -> None:
        """It stands in its place."""
        del self._drafts[number], name

    def whole(self, files: Mapping[str, Written]) -> set[str]:
        """Those that are the objects that were written, or have their bytes; none of the former is read."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            is_whole = pool.map(lambda name: is_as_written(self._place / name, files[name]), files)
            return {name for name, found in zip(files, is_whole, strict=True) if found}

    def close(self) -> None:
        """Write the manifest, and remove the parts that are not in it, unless another run has taken the folder."""
        self._is_over.set()
        self._beating.join()
        if self._failure:
            self._lock.abandon()
            return
        try:
            self._lock.require()
            self._save()
            for number, name in self._drafts.items():
                remove_object(self._place / name)
                remove_object(self._place / rejects_name(number))
            for draft in find_drafts(self._place):
                remove_object(draft)
            self._lock.release()
        except BerthError:
            self._lock.abandon()
            raise

    def _read(self) -> bytes:
        content = read_object(self._place / MANIFEST)
        if content is None and has_others(self._place):
            raise UsageError(f"--output {self} has other files, and no {MANIFEST}: choose a folder of its own")
        return content or b""

    def _beat(self) -> None:
        while not self._is_over.wait(BEAT_S):
            try:
                self._lock.beat()
                self._save()
            except BerthError as error:
                self._failure = error
                return

    def _save(self) -> None:
        with self._guard:
            content = bytes(self._content)
        if len(content) != self._num_saved:
            write_object(self._place / MANIFEST, content)
            self._num_saved = len(content)
