"""One read of a stream: its sha256 and CRC, and a copy of it where one is wanted."""

import hashlib
import zlib
from dataclasses import dataclass
from typing import BinaryIO

from ..progress import Advance, ignore

CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """What a stream holds."""

    sha256: str
    crc32: int
    size_bytes: int


def digest_stream(
    source: BinaryIO, size_bytes: int, target: BinaryIO | None = None, advance: Advance = ignore
) -> Digest:
    """The digest of the next `size_bytes` of `source`, or of what is left; `target` gets a copy."""
    sha256, crc32, left = hashlib.sha256(), 0, size_bytes
    write = ignore if target is None else target.write
    while chunk := source.read(min(CHUNK_BYTES, left)):
        sha256.update(chunk)
        crc32 = zlib.crc32(chunk, crc32)
        write(chunk)
        left -= len(chunk)
        advance(len(chunk))
    return Digest(sha256=sha256.hexdigest(), crc32=crc32, size_bytes=size_bytes - left)
