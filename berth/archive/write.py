"""An archive, written once from beginning to end."""

from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from ..progress import Advance, ignore
from .content import SUMS, ArchivePlan, Content, Member
from .digest import Digest, digest_stream
from .zip_layout import Entry, check_size, directory, local_header


def write_archive(plan: ArchivePlan, path: Path, advance: Advance = ignore) -> Content:
    """Write the plan's members, each read once, and the digest list that follows from them."""
    entries: list[Entry] = []
    digests: dict[str, str] = {}
    with path.open("xb") as file:
        for member in plan.members:
            digest = _write_member(file, member, advance)
            digests[member.name] = digest.sha256
            entries.append(_entry(member.name, digest))
        content = Content(digests=digests)
        sums = Member(name=SUMS, source=content.to_sums())
        entries.append(_entry(SUMS, _write_member(file, sums, advance)))
        file.write(directory(entries))
    return content


def member_size(member: Member) -> int:
    """How many bytes the member's file or text has."""
    return len(member.source) if isinstance(member.source, bytes) else member.source.stat().st_size


def _write_member(file: BinaryIO, member: Member, advance: Advance) -> Digest:
    """Write the data first, for the header needs its CRC: keep the header's place, and fill it in afterwards."""
    start = file.tell()
    file.write(local_header(Entry(name=member.name, size_bytes=0, crc32=0)))
    size_bytes = member_size(member)
    check_size(size_bytes, f"member {member.name}")
    with BytesIO(member.source) if isinstance(member.source, bytes) else member.source.open("rb") as source:
        digest = digest_stream(source, size_bytes, file, advance)
    end = file.tell()
    file.seek(start)
    file.write(local_header(_entry(member.name, digest)))
    file.seek(end)
    return digest


def _entry(name: str, digest: Digest) -> Entry:
    return Entry(name=name, size_bytes=digest.size_bytes, crc32=digest.crc32)
