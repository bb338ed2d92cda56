"""A file or a folder by its address, wherever it lies."""

from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from ...errors import BerthError, UsageError
from .address import BucketPath, Place, count_fixed, parse_place
from .bucket import find_objects, look_at_object, move_object, open_buffered, open_object, write_object
from .bucket_folder import BucketFolder
from .explain import explain
from .folder import Facts, Folder, Written, rejects_beside
from .local import LocalFolder, find_local, is_below, write_local


def find_files(name: str, is_input: Callable[[str], bool]) -> list[Place]:
    """The files of a path, a folder or a glob, in the order of their paths, and of a folder only those that are inputs.

    `is_input` is given a path below the folder. A folder may have none; UsageError where nothing has this name.
    """
    place = parse_place(name)
    if isinstance(place, BucketPath):
        return list(find_objects(place, is_input))
    return list(find_local(name, is_input))


def is_within(place: Place, name: str) -> bool:
    """Whether it lies in the folder that is named so, or in one that a link there leads to, or is it."""
    folder = parse_place(name)
    if isinstance(place, Path) and isinstance(folder, Path):
        return is_below(place, folder)
    if isinstance(place, BucketPath) and isinstance(folder, BucketPath):
        return place.scheme == folder.scheme and place.parts[: len(folder.parts)] == folder.parts
    return False


def given_parts(name: str) -> int:
    """How many parts of what `find_files` finds were named: of a glob those before the first wildcard, else all."""
    place = parse_place(name)
    if isinstance(place, Path):
        place = place.absolute()
    is_glob = not (isinstance(place, Path) and place.exists())
    return count_fixed(place.parts) if is_glob else len(place.parts)


def look_at(place: Place) -> Facts:
    """What is known of a file before it is read; OSError."""
    if isinstance(place, BucketPath):
        return look_at_object(place)
    with place.open("rb") as file:
        start = file.read(8)
    stat = place.stat()
    return Facts(start=start, size=stat.st_size, stamp={"modified_ns": stat.st_mtime_ns})


def open_file(place: Place) -> IO[bytes]:
    """A file, for reading from any byte on; OSError."""
    return open_buffered(place) if isinstance(place, BucketPath) else place.open("rb")


def open_for_arrow(place: Place) -> Any:
    """A file as pyarrow reads it, ranges only; OSError."""
    if isinstance(place, BucketPath):
        return open_object(place)
    import pyarrow as pa  # noqa: PLC0415 - the command's help needs none

    return pa.OSFile(str(place))


def unreadable(place: Place, error: Exception, what: str) -> BerthError:
    """Why reading a file ended; `what` says it where the error itself does not."""
    return explain(place, error, what) if isinstance(place, BucketPath) else UsageError(f"{place} {what}")


def hold_folder(place: Place) -> Folder:
    """The output folder, held by this run alone; Refused, UsageError."""
    return BucketFolder(place) if isinstance(place, BucketPath) else LocalFolder(place)


def write_part(file: str, content: bytes) -> Written:
    """Write a part where `Folder.draft` said, wholly; BerthError, or OSError that names it."""
    place = parse_place(file)
    return write_object(place, content) if isinstance(place, BucketPath) else write_local(place, content)


def move_part(file: str, target: str) -> None:
    """Give a part that was written under another name the one that `Folder.draft` said; BerthError, OSError."""
    place, other = parse_place(file), parse_place(target)
    if isinstance(place, BucketPath) and isinstance(other, BucketPath):
        move_object(place, other)
    else:
        Path(file).rename(target)


def address_of(place: Place) -> str:
    """What parses as this place again."""
    return place.address() if isinstance(place, BucketPath) else str(place)


def write_rejects(file: str, content: bytes) -> None:
    """Write what the part there rejects."""
    write_part(rejects_beside(file), content)
