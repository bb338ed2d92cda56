"""Files of this machine: parts are written beside their place, flushed to the disk and renamed."""

import fcntl
import glob
import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from ...errors import BerthError, Refused, UsageError
from .folder import DRAFT, MANIFEST, Written, rejects_beside, rejects_name
from .walk import HIDDEN, identity, require_target, walk


def find_local(name: str, is_input: Callable[[str], bool]) -> list[Path]:
    """The files of a path or a glob, of a folder those whose names are inputs; UsageError where there are none."""
    root = Path(name).absolute()
    if root.is_dir():
        return sorted(_inputs(root, is_input))
    if root.exists():
        return [root]
    named = [Path(each) for each in glob.glob(name, recursive=True)]  # noqa: PTH207 - Path.glob takes no absolute pattern
    for path in named:
        require_target(path)
    files = sorted(path.absolute() for path in named if path.is_file())
    if not files:
        raise UsageError(f"{name} does not exist, and no file is named so")
    return files


def _inputs(root: Path, is_input: Callable[[str], bool]) -> Iterator[Path]:
    for folder, names in walk(root):
        for path in (folder / name for name in names if not name.startswith(HIDDEN)):
            require_target(path)
            if is_input(path.relative_to(root).as_posix()) and path.is_file():
                yield path


def is_below(path: Path, root: Path) -> bool:
    """Whether a path that may not be there yet is `root`, or lies in a folder that `walk` yields below it."""
    above = {identity(each) for each in (path.resolve(), *path.resolve().parents) if each.exists()}
    return root.is_dir() and any(identity(folder) in above for folder, _ in walk(root))


def write_local(path: Path, content: bytes) -> Written:
    """Write a part to the disk, beside its place; OSError names it where the disk takes no more."""
    try:
        with path.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:  # a write that fails does not say of what
        path.unlink(missing_ok=True)
        raise OSError(error.errno, error.strerror, str(path)) from error
    return Written(size=len(content), sha256=hashlib.sha256(content).hexdigest())


class LocalFolder:
    """A Folder of this machine. A line of its manifest is on the disk when `append` returns."""

    def __init__(self, path: Path) -> None:
        """Make it, and hold it; Refused where another run does, UsageError where it cannot be written."""
        self._path = path
        try:
            path.mkdir(parents=True, exist_ok=True)
            if not (path / MANIFEST).exists() and any(path.glob("[!.]*")):
                raise UsageError(f"--output {path} has other files, and no {MANIFEST}: choose a folder of its own")
            self._file = (path / MANIFEST).open("a+b")
        except OSError as error:
            raise UsageError(f"--output {path} cannot be written: {error.strerror}; choose another") from error
        self._lock()
        self._clear()

    def __str__(self) -> str:
        return str(self._path)

    def read_manifest(self) -> bytes:
        """What its manifest holds."""
        self._file.seek(0)
        return self._file.read()

    def cut_manifest(self, size: int) -> None:
        """Leave the first `size` bytes of the manifest."""
        self._file.truncate(size)

    def append(self, line: bytes) -> None:
        """Add a line, and return when it is on the disk."""
        try:
            self._file.write(line)
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise BerthError(
                f"{self._path / MANIFEST} cannot be written: {error.strerror}; what is done is kept: make room, and "
                "run the same command again"
            ) from error

    def draft(self, number: int, _name: str) -> str:
        """Beside its place; what a kill leaves there is removed at the next start."""
        return str(self._draft(number))

    def publish(self, number: int, name: str) -> None:
        """Rename a part, and what it rejects before it."""
        draft = self._draft(number)
        rejects = Path(rejects_beside(str(draft)))
        try:
            if rejects.exists():
                rejects.rename(self._path / rejects_name(number))
            draft.rename(self._path / name)
        except OSError as error:
            raise BerthError(f"{self._path / name} cannot be put there: {error.strerror}") from error

    def whole(self, files: Mapping[str, Written]) -> set[str]:
        """Those that have their size and their digest."""
        return {name for name, written in files.items() if self._is_whole(name, written)}

    def _is_whole(self, name: str, written: Written) -> bool:
        path = self._path / name
        try:
            if path.stat().st_size != written.size:
                return False
            with path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest() == written.sha256
        except FileNotFoundError:
            return False
        except OSError as error:
            raise UsageError(f"{path} cannot be read: {error.strerror}") from error

    def close(self) -> None:
        """Remove the drafts, and let go."""
        self._clear()
        self._file.close()

    def _draft(self, number: int) -> Path:
        return self._path.absolute() / f"{DRAFT}{os.getpid()}-{number}"

    def _clear(self) -> None:
        for draft in self._path.glob(f"{DRAFT}*"):
            draft.unlink(missing_ok=True)

    def _lock(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._file.close()
            raise Refused(f"another `berth bulk` writes to {self._path}: wait for it, or choose another") from None
        except OSError:  # a file system without locks
            return
