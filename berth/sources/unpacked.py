"""A .zip, .tar or .tar.gz of a folder, or another tool's .mar -> a temporary folder with its files.

Nothing is written outside that folder, and nothing but files and folders: a path that leads out, a link out and a
device are refused, and so is what the disk cannot hold.
"""

import gzip
import lzma
import re
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path, PurePosixPath, PureWindowsPath

from ..archive.content import MANIFEST
from ..checkpoint_files import load_json
from ..errors import Refused
from ..progress import Progress
from .local import local_source
from .origin import Source, first_line
from .room import require_room

ARCHIVE_NAME = re.compile(r"(.+?)\.(zip|mar|tar|tgz|tar\.(gz|bz2|xz))", re.IGNORECASE)
ZIPS = (".zip", ".mar")  # torch-model-archiver's are zips
DAMAGE = (tarfile.ReadError, zipfile.BadZipFile, gzip.BadGzipFile, lzma.LZMAError, zlib.error, EOFError)
CHUNK_BYTES = 2**20
BESIDE_THE_FOLDER = "__MACOSX"  # what macOS puts into every zip
ELSEWHERE = "set TMPDIR to a folder on another disk"


@contextmanager
def unpacked(archive: Path, address: str, progress: Progress) -> Iterator[Source]:
    """The checkpoint in `archive`, which goes with the context; named after the archive.

    Raises Refused when it is damaged, would write outside its folder, or holds more than the disk does.
    """
    with tempfile.TemporaryDirectory(prefix="berth-unpacked-") as work:
        extract = _extract_zip if archive.suffix.lower() in ZIPS else _extract_tar
        try:
            extract(archive, Path(work), address, progress)
        except NotImplementedError as error:  # Windows packs files of over 2 GB by Deflate64
            raise Refused(
                f"{address} is packed in a way that cannot be read here ({first_line(error)}): unpack it with the "
                "program that made it, and give the folder"
            ) from error
        except (*DAMAGE, OSError) as error:
            if isinstance(error, OSError) and error.errno is not None:  # the disk; bz2's errors have no number
                raise
            raise Refused(
                f"{address} is damaged or not what its name says ({first_line(error)}): make or download it again"
            ) from error
        source = local_source(_entered(Path(work)), address, _stem(archive.name))
        yield replace(source, notes=(*source.notes, *_handler_note(Path(work))))


def _handler_note(folder: Path) -> Iterator[str]:
    """What is left behind of another tool's .mar: the code that it answered with, and its version."""
    if (folder / MANIFEST).is_file():
        model = load_json(folder / MANIFEST).get("model")
        known = model if isinstance(model, dict) else {}
        yield (
            f"the .mar's own handler ({known.get('handler')}) is left out, with whatever it did before and behind the "
            f"model, and so is its version ({known.get('modelVersion')}): --version sets another"
        )


def _stem(name: str) -> str:
    match = ARCHIVE_NAME.fullmatch(name)
    return match[1] if match else name


def _entered(folder: Path) -> Path:
    """The only folder in `folder` when nothing else is there, but for what macOS and editors hide; else `folder`."""
    inner = [each for each in folder.iterdir() if each.name != BESIDE_THE_FOLDER and not each.name.startswith(".")]
    return _entered(inner[0]) if len(inner) == 1 and inner[0].is_dir() else folder


def _extract_zip(archive: Path, target: Path, address: str, progress: Progress) -> None:
    with zipfile.ZipFile(archive) as opened:
        members = opened.infolist()
        size_bytes = sum(member.file_size for member in members)
        require_room(target, size_bytes, address, ELSEWHERE)
        advance = progress.begin(f"unpacking {archive.name}", size_bytes)
        for member in members:
            _check_member(member, address)
            opened.extract(member, target)
            advance(member.file_size)


def _check_member(member: zipfile.ZipInfo, address: str) -> None:
    """Refuse a member that leads out of the folder, that is a link, or that needs a password."""
    posix, windows = PurePosixPath(member.filename), PureWindowsPath(member.filename)
    if ".." in windows.parts or posix.is_absolute() or windows.drive or windows.root:
        raise Refused(
            f"{address} would write outside its folder, to {member.filename!r}: make it again from the folder"
        )
    if member.external_attr >> 16 & 0o170000 == 0o120000:  # a symbolic link, as Info-ZIP marks it
        raise Refused(f"{address} holds a link, {member.filename!r}: make it again with the files themselves")
    if member.flag_bits & 1:
        raise Refused(f"{address} needs a password for {member.filename!r}: unpack it, and give the folder")


def _extract_tar(archive: Path, target: Path, address: str, progress: Progress) -> None:
    advance = progress.begin(f"unpacking {archive.name}")  # what a .tar.gz holds is only known at its end
    with tarfile.open(archive) as opened:
        for member in opened:
            require_room(target, member.size, f"{address}, with {member.name!r},", ELSEWHERE)
            try:
                opened.extract(member, target, filter="data")
            except tarfile.FilterError as error:
                raise Refused(
                    f"{address} holds {member.name!r}, which leads out of its folder or is no file: make it again "
                    "from the folder"
                ) from error
            advance(member.size)
        while opened.fileobj.read(CHUNK_BYTES):  # its checksum is behind the last member
            pass
