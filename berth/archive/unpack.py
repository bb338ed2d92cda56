"""Archive -> the folder that TorchServe is given: verified, unpacked once, kept under its content's id.

Several launchers may unpack the same archive at once: each writes a folder of its own, one rename wins.
"""

import errno
import os
from collections.abc import Mapping
from pathlib import Path

from ..errors import BerthError, Refused, UsageError
from ..progress import Advance, ignore
from .kept import drafting, hold
from .verify import read_archive, read_content, verify_archive

CACHE_VARIABLE = "XDG_CACHE_HOME"


def cache_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """The folder that keeps unpacked archives: $XDG_CACHE_HOME/berth, else ~/.cache/berth; UsageError without either.

    Nothing takes its place: in a temporary folder each start would unpack again, and may take memory for it.
    """
    base = Path(environment.get(CACHE_VARIABLE, ""))
    if not base.is_absolute():  # the XDG Base Directory Specification ignores relative paths
        base = _home() / ".cache"
    return base / "berth"


def _home() -> Path:
    try:
        home = Path.home()
    except RuntimeError:  # no HOME, and the user's number stands in no list of users
        home = Path()
    if not home.is_absolute():
        raise UsageError(f"there is no home to unpack archives in: set HOME, or {CACHE_VARIABLE} to a folder for them")
    return home


def unpack_once(archive: Path, cache: Path, advance: Advance = ignore) -> Path:
    """The verified folder with the content of `archive`, or `archive` itself where it is such a folder.

    `advance` is told of bytes that were unpacked; what it raises ends the unpacking, and nothing is left of it.
    `berth cache --clear` leaves the folder alone for as long as this process lives, or until it holds others only.
    """
    if archive.is_dir():
        if archive.absolute().parent == cache:
            hold(archive)
        verify_archive(archive)
        return archive
    content_id = read_content(archive).id
    folder = cache / content_id
    is_new = _is_absent(folder) and _unpack(archive, folder, advance)
    while not hold(folder):  # it was cleared a moment ago
        is_new = _unpack(archive, folder, advance)
    if is_new:
        return folder  # each member was held against its digest on its way to the disk
    _check_unpacked(folder, content_id)  # what is served is what the .mar says; its members are not read again
    return folder


def _unpack(archive: Path, folder: Path, advance: Advance) -> bool:
    """Verify and unpack `archive` beside `folder`, then rename; False where another launcher was first."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with drafting(folder.parent) as work:
            draft = work / folder.name
            draft.mkdir()
            if read_archive(archive, draft, advance).id != folder.name:
                raise Refused(f"{archive} was replaced while it was read: start again")
            return _rename(draft, folder)
    except OSError as error:
        raise BerthError(
            f"cannot unpack {archive} to {folder}: {error.strerror or error}; set {CACHE_VARIABLE} to a folder that "
            "can be written and has room for it"
        ) from error


def _is_absent(folder: Path) -> bool:
    try:
        return not folder.exists()
    except OSError:  # a folder above it may not be searched; unpacking says so
        return True


def _rename(draft: Path, folder: Path) -> bool:
    """Move the draft into place; False where another launcher was first."""
    try:
        draft.rename(folder)
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
            return False
        raise
    return True


def _check_unpacked(folder: Path, content_id: str) -> None:
    """Refused when the kept folder was altered since it was unpacked."""
    try:
        found = verify_archive(folder).id
        if found != content_id:
            raise Refused(f"{folder}: its content is {found}")
    except Refused as error:
        raise Refused(f"{error}. It was altered since it was unpacked: remove {folder} and start again") from error
