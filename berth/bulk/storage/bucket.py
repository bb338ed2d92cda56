"""Objects of a bucket, by pyarrow's clients: found, read by ranges, written whole.

An object is visible when all of it is there, and not before: a write that ends early leaves what was there.
"""

import hashlib
import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from fnmatch import fnmatchcase
from functools import cache
from typing import IO, Any

from ...errors import BerthError, UsageError
from .address import BucketPath, count_fixed
from .explain import explain, no_bucket
from .folder import DRAFT, Facts, Written

READ_BYTES = 4 << 20
"""Of one request: at 30 ms each 130 MB/s."""
DEFAULTS = {
    "gs": ("retry_limit_seconds=60",),  # it is 15 minutes, of a silent command
    "s3": ("allow_delayed_open=true",),  # one request for a small object, in the place of three
}


@contextmanager
def explained(place: BucketPath, what: str) -> Iterator[None]:
    """Raise a sentence for what the client raises."""
    try:
        yield
    except (OSError, ValueError, NotImplementedError) as error:
        raise explain(place, error, f"{what}: {error}") from error


def find_objects(place: BucketPath, is_input: Callable[[str], bool]) -> list[BucketPath]:
    """The object of this name, those below it whose names are inputs, or those that the glob names, in order."""
    with explained(place, "cannot be looked for"):
        if place.key and _client(place).get_file_info(place.path).is_file:
            return [place]
        fixed = count_fixed(place.parts)
        if fixed == len(place.parts):
            return [each for each in _list(place) if is_input("/".join(each.parts[fixed:]))]
        root = place.at("/".join(place.parts[:fixed]))
        found = [each for each in _list(root) if _matches(each.parts[fixed:], place.parts[fixed:])]
    if not found:
        raise UsageError(f"{place} does not exist, and no object is named so")
    return found


def open_object(place: BucketPath) -> Any:
    """As pyarrow reads it: ranges only; OSError."""
    return _client(place).open_input_file(place.path)


def open_buffered(place: BucketPath) -> IO[bytes]:
    """For reading from any byte on; OSError."""
    return io.BufferedReader(open_object(place), READ_BYTES)


def look_at_object(place: BucketPath) -> Facts:
    """What is known of it before it is read; OSError."""
    with open_object(place) as file:
        facts = _facts(file)
        return replace(facts, start=file.read(8))


def read_object(place: BucketPath) -> bytes | None:
    """All of it; None where there is none."""
    try:
        with explained(place, "cannot be read"), open_object(place) as file:
            content: bytes = file.read()
            return content
    except UsageError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            return None
        raise


def write_object(place: BucketPath, content: bytes) -> Written:
    """Write it at once, in the place of what is there; BerthError, UsageError."""
    with explained(place, "cannot be written"):
        with _client(place).open_output_stream(place.path) as stream:
            stream.write(content)
        with open_object(place) as file:
            facts = _facts(file)
    if facts.size != len(content):
        raise BerthError(f"{place} has {facts.size} bytes, and {len(content)} were written: does another run write it?")
    return Written(size=facts.size, sha256=hashlib.sha256(content).hexdigest(), stamp=_stamp(facts))


def remove_object(place: BucketPath) -> None:
    """Remove it, if it is there."""
    try:
        with explained(place, "cannot be removed"):
            _client(place).delete_file(place.path)
    except UsageError as error:
        if not isinstance(error.__cause__, FileNotFoundError):
            raise


def move_object(place: BucketPath, target: BucketPath) -> None:
    """Copy it within its bucket, without reading it, and remove it."""
    with explained(place, "cannot be moved"):
        _client(place).move(place.path, target.path)


def find_drafts(place: BucketPath) -> list[BucketPath]:
    """What nodes of a cluster have left below it under names of their own."""
    from pyarrow.fs import FileSelector  # noqa: PLC0415

    with explained(place, "cannot be listed"):
        found = _client(place).get_file_info(FileSelector(place.path, allow_not_found=True))
        return [place / each.base_name for each in found if each.base_name.startswith(DRAFT)]


def has_others(place: BucketPath) -> bool:
    """Whether objects that nothing hides lie below it."""
    from pyarrow.fs import FileSelector  # noqa: PLC0415

    with explained(place, "cannot be listed"):
        found = _client(place).get_file_info(FileSelector(place.path, allow_not_found=True))
        return any(not each.base_name.startswith(".") for each in found)


def is_as_written(place: BucketPath, written: Written) -> bool:
    """Whether it is the very object that was written, or one with the same bytes."""
    try:
        with explained(place, "cannot be read"), open_object(place) as file:
            facts = _facts(file)
            if facts.size != written.size:
                return False
            return _stamp(facts) == written.stamp or hashlib.sha256(file.read()).hexdigest() == written.sha256
    except UsageError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            return False
        raise


def _client(place: BucketPath) -> Any:
    return _connect(replace(place, key=""))


@cache
def _connect(root: BucketPath) -> Any:
    from pyarrow.fs import FileSystem  # noqa: PLC0415 - the command's help needs none

    options = root.options.split("&") if root.options else []
    said = {option.partition("=")[0] for option in options}
    options += [each for each in DEFAULTS[root.scheme] if each.partition("=")[0] not in said]
    system, _ = FileSystem.from_uri(replace(root, options="&".join(options)).address())
    return system


def _list(root: BucketPath) -> list[BucketPath]:
    from pyarrow.fs import FileSelector  # noqa: PLC0415

    found = _client(root).get_file_info(FileSelector(root.path, recursive=True, allow_not_found=True))
    if not found:
        _require_bucket(root)
    return sorted((root.at(each.path) for each in found if each.is_file), key=lambda each: each.parts)


def _require_bucket(place: BucketPath) -> None:
    """UsageError where there is none; who may list objects may not always ask for the bucket itself."""
    try:
        is_there = bool(_client(place).get_file_info(place.bucket).type)  # 0 where it is not found
    except OSError:
        return
    if not is_there:
        raise UsageError(no_bucket(place))


def _matches(parts: Sequence[str], pattern: Sequence[str]) -> bool:
    """As glob.glob does: no * crosses a /, but for ** alone, and none stands for a name that begins with a dot."""
    if not pattern:
        return not parts
    if pattern[0] == "**":
        shown = next((number for number, part in enumerate(parts) if part.startswith(".")), len(parts))
        return any(_matches(parts[number:], pattern[1:]) for number in range(shown + 1))
    if not parts or (parts[0].startswith(".") and not pattern[0].startswith(".")):
        return False
    return fnmatchcase(parts[0], pattern[0]) and _matches(parts[1:], pattern[1:])


def _facts(file: Any) -> Facts:
    """S3 names a content by its etag, Google a write by its generation."""
    metadata = {key.lower(): value.decode() for key, value in file.metadata().items()}
    stamp = {key: metadata[key] for key in ("generation", "etag") if key in metadata}
    return Facts(start=b"", size=file.size(), stamp=dict(list(stamp.items())[:1]))


def _stamp(facts: Facts) -> str:
    return "".join(map(str, facts.stamp.values()))
