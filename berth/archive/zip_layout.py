"""The one layout of our zips, for writing and for verifying: stored members, fixed date and mode.

Every byte outside the members' data follows from the members' names, sizes and CRCs, so a verifier can compute it and
compare. TorchServe streams an archive with java's ZipInputStream, which takes stored members only with their sizes and
CRC in the local header (frontend/archive/.../ZipUtils.java, v0.12.0).

Python's zipfile writes the same bytes up to 2 GiB. Beyond that it changes to zip64 (its ZIP64_LIMIT), and the weights
of a large encoder in fp32 are 2.2 GB.
"""

import re
import struct
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import BinaryIO

from ..errors import Refused

MAX_BYTES = 0xFFFF_FFFF  # APPNOTE.TXT 4.4.8: a size or offset without zip64
MAX_MEMBERS = 0xFFFF
# APPNOTE.TXT 4.3.7, 4.3.12 and 4.3.16.
_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_LOCAL_SIGNATURE, _CENTRAL_SIGNATURE, _END_SIGNATURE = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
_VERSION = 10  # version 1.0 is enough for stored members
_MADE_BY = 3 << 8 | _VERSION  # 3: Unix, whose modes lie in the upper half of the external attributes
_DATE = 1 << 5 | 1  # 1980-01-01, the first day that a zip can name
_MODE = 0o100644 << 16  # a regular file
_PART = re.compile(r"[A-Za-z0-9_@+=,~()\[\] .-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One member as the zip's structure sees it."""

    name: str
    size_bytes: int
    crc32: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A member in an archive on disk: what its header says, and the offset of its data in bytes."""

    entry: Entry
    start: int


def check_name(name: str) -> None:
    """Refused unless `name` is a plain relative path inside the archive: no `..`, no backslash."""
    parts = name.split("/")
    if not all(_PART.fullmatch(part) and part not in (".", "..") for part in parts):
        raise Refused(
            f"member {name!r}: a member's path is relative, inside the archive, and of ASCII letters, "
            "digits, spaces and ._-@+=,~()[] only"
        )


def local_header(entry: Entry) -> bytes:
    """The bytes before a member's data."""
    name = entry.name.encode("ascii")
    return _LOCAL.pack(_LOCAL_SIGNATURE, _VERSION, *_common(entry), len(name), 0) + name


def directory(entries: Sequence[Entry]) -> bytes:
    """The bytes after the last member's data: the central directory and the end record."""
    offsets = _offsets(entries)
    check_size(offsets[-1], "the archive")
    if len(entries) > MAX_MEMBERS:
        raise Refused(f"the archive would have {len(entries)} members; {MAX_MEMBERS} is the most")
    central = b"".join(_central_header(entry, offset) for entry, offset in zip(entries, offsets, strict=False))
    check_size(offsets[-1] + len(central), "the archive")
    count = len(entries)
    return central + _END.pack(_END_SIGNATURE, 0, 0, count, count, len(central), offsets[-1], 0)


def check_size(size_bytes: int, what: str) -> None:
    """Refused when `what` is too large for a zip without zip64, the only kind that we write."""
    if size_bytes > MAX_BYTES:
        raise Refused(f"{what} has {size_bytes:,} bytes; an archive and its members may have 4 GiB at most")


def read_places(file: BinaryIO) -> list[Place]:
    """Every member's place; Refused unless each byte of the file's structure is the canonical one."""
    end = file.seek(0, 2)
    places: list[Place] = []
    offset = 0
    while (entry := _read_entry(file, offset)) is not None:
        start = offset + len(local_header(entry))
        offset = start + entry.size_bytes
        if offset > end:
            raise Refused(f"truncated: member {entry.name} should end at byte {offset:,}, the file at {end:,}")
        places.append(Place(entry=entry, start=start))
    entries = [place.entry for place in places]
    _check_order([entry.name for entry in entries])
    file.seek(offset)
    if file.read() != directory(entries):
        raise Refused(f"not the canonical layout: the directory after byte {offset:,} is altered or truncated")
    return places


def _read_entry(file: BinaryIO, offset: int) -> Entry | None:
    """The member whose local header stands at `offset`; None where the central directory begins."""
    file.seek(offset)
    fixed = file.read(_LOCAL.size)
    if fixed[:4] == _CENTRAL_SIGNATURE and offset:
        return None
    if len(fixed) < _LOCAL.size or fixed[:4] != _LOCAL_SIGNATURE:
        what = "not an archive that berth made" if offset == 0 else "altered or truncated"
        raise Refused(f"{what}: no member's header at byte {offset:,}")
    crc32, size_bytes, name_bytes = fixed[14:18], fixed[22:26], fixed[26:28]
    name = file.read(int.from_bytes(name_bytes, "little")).decode("ascii", "replace")
    check_name(name)
    entry = Entry(name=name, size_bytes=int.from_bytes(size_bytes, "little"), crc32=int.from_bytes(crc32, "little"))
    if not local_header(entry).startswith(fixed):
        raise Refused(f"not the canonical layout: the header of member {name} at byte {offset:,} is altered")
    return entry


def _check_order(names: Sequence[str]) -> None:
    """Refused unless the members are sorted, but for the last, the digest list, and no name comes twice."""
    name, count = Counter(names).most_common(1)[0]
    if count > 1:
        raise Refused(f"not the canonical layout: {count} members are named {name}")
    for before, after in pairwise(names[:-1]):
        if before > after:
            raise Refused(f"not the canonical layout: member {after} stands after {before}")


def _common(entry: Entry) -> tuple[int, int, int, int, int, int, int]:
    """The fields that local and central headers share: flags, method (0: stored), time, date, CRC and both sizes."""
    return 0, 0, 0, _DATE, entry.crc32, entry.size_bytes, entry.size_bytes


def _central_header(entry: Entry, offset: int) -> bytes:
    name = entry.name.encode("ascii")
    head = _CENTRAL.pack(_CENTRAL_SIGNATURE, _MADE_BY, _VERSION, *_common(entry), len(name), 0, 0, 0, 0, _MODE, offset)
    return head + name


def _offsets(entries: Iterable[Entry]) -> list[int]:
    """The offset of each member's header, and last of the directory."""
    offsets = [0]
    for entry in entries:
        offsets.append(offsets[-1] + len(local_header(entry)) + entry.size_bytes)
    return offsets
