"""A server's own temporary folder: its sockets meet no other server's, and what a killed server left is removed.

Two locks last for as long as the server lives, however it ends: that of the folder itself, for which systemd-tmpfiles
leaves alone all that is in it, however old (tmpfiles.d(5)), and that of a file, by which a berth knows the folder of
another one.
"""

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from ..errors import UsageError
from .locks import folder_lock

PREFIX = "berth-"
LOCK = "in-use"
MAX_SOCKET_PATH = 107  # bytes; sun_path of unix(7) holds 108 with the final zero


@contextlib.contextmanager
def run_folder() -> Iterator[Path]:
    """Make a folder in TMPDIR and remove it at the end.

    UsageError where none can be made, or its path is too long for a socket.
    """
    with contextlib.ExitStack() as held:
        try:
            _clear_abandoned(Path(tempfile.gettempdir()))
            made = tempfile.TemporaryDirectory(prefix=PREFIX, ignore_cleanup_errors=True)
            folder = Path(held.enter_context(made))
            held.enter_context(_lock(folder))
        except OSError as error:
            raise UsageError(
                f"no temporary folder can be made: {error.strerror}; set TMPDIR to a folder that can be written and is "
                "not full"
            ) from error
        _require_short(folder)
        yield folder


@contextlib.contextmanager
def _lock(folder: Path) -> Iterator[None]:
    draft = folder / f"{LOCK}.draft"
    with folder_lock(folder, fcntl.LOCK_SH), draft.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        draft.rename(folder / LOCK)  # nobody sees it before it is locked
        yield


def _clear_abandoned(temp: Path) -> None:
    """Remove the folders of servers that were killed; other users' are skipped: they cannot be opened or removed."""
    for lock_file in temp.glob(f"{PREFIX}*/{LOCK}"):
        with contextlib.suppress(OSError), lock_file.open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(lock_file.parent, ignore_errors=True)


def _require_short(folder: Path) -> None:
    socket_path = f"{folder}/g9999/.ts.sock.65535"  # TorchServe's Connector.java, in a folder of each java
    if len(os.fsencode(socket_path)) > MAX_SOCKET_PATH:
        raise UsageError(f"{folder} is too long a path for a socket: set TMPDIR to a shorter one")
