"""The members of an archive, to look into without verifying: of a .mar, of its unpacked folder, of one only planned."""

import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from ..errors import BerthError, Refused
from .content import ArchivePlan
from .form import absent, check_form
from .write import member_size


@dataclass(frozen=True, slots=True, kw_only=True)
class Members:
    """Every member's size in bytes, and the way to its data."""

    sizes: Mapping[str, int]
    open: Callable[[str], BinaryIO]
    """Open a member by its name; KeyError or OSError when there is none."""

    def read(self, name: str) -> bytes:
        """All data of a member."""
        with self.open(name) as file:
            return file.read()


@contextmanager
def open_archive(archive: Path) -> Iterator[Members]:
    """The members of a .mar or of the folder that it was unpacked to, to be read in the block.

    Refused when it is neither, or of an unknown form, or when the block cannot make sense of what it reads.
    """
    try:
        if not archive.exists():
            raise absent(archive)
        check_form(archive)
        with _open_members(archive) as members:
            yield members
    except BerthError:
        raise
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise Refused(f"{archive} is not an archive that berth packed: {reason}") from error


@contextmanager
def _open_members(archive: Path) -> Iterator[Members]:
    if archive.is_dir():
        paths = [path for path in archive.rglob("*") if path.is_file()]
        sizes = {path.relative_to(archive).as_posix(): path.stat().st_size for path in paths}
        yield Members(sizes=sizes, open=lambda name: (archive / name).open("rb"))
        return
    with zipfile.ZipFile(archive) as opened:
        sizes = {member.filename: member.file_size for member in opened.infolist()}
        yield Members(sizes=sizes, open=opened.open)  # type: ignore[arg-type] # reads as a file does


def planned_members(plan: ArchivePlan) -> Members:
    """The members that an archive would have."""
    sources = {member.name: member.source for member in plan.members}

    def opener(name: str) -> BinaryIO:
        source = sources[name]
        return BytesIO(source) if isinstance(source, bytes) else source.open("rb")

    return Members(sizes={member.name: member_size(member) for member in plan.members}, open=opener)
