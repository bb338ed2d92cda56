"""Archive -> verified Content, or Refused with the member that differs; a .mar is unpacked in the same read.

Nothing altered, nothing missing, nothing added, no path outside; in a .mar every byte of the zip's structure
too. It proves that an archive is what its packer wrote, not who packed it: signature.py does that.
"""

import hashlib
import zlib
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO, TypeVar

from ..errors import Refused
from ..progress import Advance, ignore
from .content import SUMS, Content
from .digest import Digest, digest_stream
from .form import absent, check_form
from .zip_layout import Place, read_places

T = TypeVar("T")


def verify_archive(path: Path) -> Content:
    """The content of a .mar or an unpacked folder; Refused when anything in it differs from its digest list."""
    try:
        return _verify_folder(path) if path.is_dir() else read_archive(path)
    except OSError as error:
        reason = error.strerror or error
        raise Refused(f"{path} cannot be read: {reason}; check the path and its permissions") from error


def read_content(archive: Path) -> Content:
    """The content that the digest list of a .mar or an unpacked folder names; members are not verified.

    Of a .mar the structure is checked.
    """
    return _read_list(archive) if archive.is_dir() else _index(archive)[1]


def content_id(archive: Path) -> str:
    """The id of that content."""
    return read_content(archive).id


def read_archive(archive: Path, folder: Path | None = None, advance: Advance = ignore) -> Content:
    """Verify a .mar; with `folder`, an empty one, write its members there in the same read."""
    places, content = _index(archive)
    _in_threads(partial(_check_member, archive, content, folder, advance), places)
    return content


def _index(archive: Path) -> tuple[list[Place], Content]:
    """Every member and where its data starts, and what the digest list says."""
    if not archive.is_file():
        raise absent(archive)
    check_form(archive)
    with archive.open("rb") as file, _naming(archive):
        places = read_places(file)
        content = _read_sums(file, places[-1])
        _compare_names({*content.digests, SUMS}, {place.entry.name for place in places})
    return places, content


def _read_sums(file: BinaryIO, place: Place) -> Content:
    """The digest list, an archive's last member."""
    if place.entry.name != SUMS:
        raise Refused(f"its last member is {place.entry.name}, not {SUMS}: not an archive that berth made")
    file.seek(place.start)
    sums = file.read(place.entry.size_bytes)
    if zlib.crc32(sums) != place.entry.crc32:
        raise Refused(f"member {SUMS} is altered: its data and the CRC in its header differ")
    return Content.from_sums(sums)


def _check_member(archive: Path, content: Content, folder: Path | None, advance: Advance, place: Place) -> None:
    """Hold one member against its digest and its CRC, and write it into `folder` if there is one."""
    entry = place.entry
    with ExitStack() as files:
        source = files.enter_context(archive.open("rb"))
        source.seek(place.start)
        target = files.enter_context(_create(folder / entry.name)) if folder else None
        found = digest_stream(source, entry.size_bytes, target, advance)
    expected = content.digests.get(entry.name, found.sha256)  # the digest list is not in itself
    if found != Digest(sha256=expected, crc32=entry.crc32, size_bytes=entry.size_bytes):
        raise _altered(archive, entry.name, found.sha256, expected)


def _verify_folder(folder: Path) -> Content:
    """The content of an unpacked archive; Refused when anything differs from its digest list."""
    check_form(folder)
    content = _read_list(folder)
    with _naming(folder):
        _compare_names({*content.digests, SUMS}, set(_walk(folder)))
    _in_threads(partial(_check_file, folder, content), list(content.digests))
    return content


def _read_list(folder: Path) -> Content:
    """What the digest list of an unpacked archive says; Refused where there is none."""
    sums = folder / SUMS
    if not sums.is_file():
        if any(folder.glob("*.mar")):
            raise Refused(f"{folder} is no archive, but holds some: name them, as in {folder}/*.mar")
        raise Refused(f"{folder} is not an unpacked archive: it has no {SUMS}; pack a checkpoint with `berth pack`")
    with _naming(folder):
        return Content.from_sums(sums.read_bytes())


def _check_file(folder: Path, content: Content, name: str) -> None:
    """Refused when one file of an unpacked archive differs from its digest."""
    expected = content.digests[name]
    with (folder / name).open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != expected:
        raise _altered(folder, name, found, expected)


def _walk(folder: Path) -> Iterator[str]:
    """Every file in `folder`, relative, and every empty folder; Refused for links and devices."""
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            raise Refused(f"member {name} is a link or a special file: unpack the archive again")
        if path.is_file():
            yield name
        elif not any(path.iterdir()):
            yield f"{name}/"


def _compare_names(expected: AbstractSet[str], found: AbstractSet[str]) -> None:
    """Refused when a member is missing or added."""
    if missing := sorted(expected - found):
        raise Refused(f"member {missing[0]} is missing, though {SUMS} names it")
    if added := sorted(found - expected):
        raise Refused(f"member {added[0]} was added: {SUMS} does not name it")


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Put the archive's path before whatever is refused inside."""
    try:
        yield
    except Refused as error:
        raise Refused(f"{path}: {error}") from error


def _altered(where: Path, name: str, found: str, expected: str) -> Refused:
    """The refusal of a member that differs, by its CRC alone where the digest is right."""
    if found == expected:
        return Refused(f"{where}: member {name} is altered: its data and the CRC in its header differ")
    return Refused(f"{where}: member {name} is altered: its sha256 is {found}, {SUMS} says {expected}")


def _create(path: Path) -> BinaryIO:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.open("xb")


def _in_threads(check: Callable[[T], None], members: Sequence[T]) -> None:
    """Check all members, several at once: hashing releases the interpreter's lock. Raises the first error."""
    with ThreadPoolExecutor() as threads:
        for _ in threads.map(check, members):
            pass
