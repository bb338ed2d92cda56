"""A text file's bytes, uncompressed, line by line."""

import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any

from ..errors import UsageError
from .sources import Source
from .storage.places import open_file, unreadable


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """A file that is open, and what is in it."""

    raw: IO[bytes]
    content: IO[bytes]
    size: int
    """Bytes of the file as it lies there."""

    def share(self) -> float:
        """How much of the file has been read, 0 to 1; some of it may wait in a buffer."""
        return min(1.0, self.raw.tell() / max(1, self.size))


@contextmanager
def open_stream(source: Source) -> Iterator[Stream]:
    """Open a file; UsageError, also while it is read, where it breaks off, is damaged or cannot be read."""
    try:
        with open_file(source.path) as raw, _decompress(source, raw) as content:
            yield Stream(raw=raw, content=content, size=source.size)
    except EOFError as error:
        raise UsageError(f"{source.path} breaks off: its gzip stream has no end; copy it again") from error
    except (OSError, zlib.error) as error:
        said = getattr(error, "strerror", None) or error
        raise unreadable(source.path, error, f"cannot be read to its end: {said}; copy it again") from error


def _decompress(source: Source, raw: IO[bytes]) -> Any:
    if source.compression == "gzip":
        return gzip.GzipFile(fileobj=raw)
    if source.compression == "zstd":
        import pyarrow as pa  # noqa: PLC0415 - the command's help needs none

        return io.BufferedReader(pa.input_stream(raw, compression="zstd"))
    return raw
