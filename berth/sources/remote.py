"""A folder or an archive at gs://, s3:// or any other address of fsspec -> a temporary folder with what is needed."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from ..endpoint import without_credentials
from ..errors import BerthError, Refused
from ..progress import Counted, Progress
from .local import local_source
from .needed import CHECKPOINT, is_weights, needed_files
from .origin import Look, Source, first_line
from .quiet import quiet
from .room import MB, require_room
from .unpacked import ARCHIVE_NAME, ELSEWHERE, unpacked

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

EXTRAS = {"gs": "gcs", "gcs": "gcs", "s3": "s3", "s3a": "s3"}
DEPTH = 2  # a checkpoint, and the folders of sentence-transformers' modules


@contextmanager
def remote(address: str, progress: Progress, look: Look) -> Iterator[Source]:
    """The checkpoint at `address`, fetched into a folder that goes with the context; named after the address.

    Raises Refused when there is none, when it cannot be read, when a package for its scheme is missing, and by `look`.
    """
    shown = without_credentials(address)
    with tempfile.TemporaryDirectory(prefix="berth-fetched-") as work:
        name = PurePosixPath(address.split("://", 1)[-1]).name
        folder = Path(work, "model" if name in ("", "..") else name)
        with quiet():
            _fetch(address, folder, progress, look)
        if folder.is_file():
            with unpacked(folder, shown, progress) as source:
                yield source
        else:
            yield local_source(folder, shown, _name(address))


@contextmanager
def _explained(address: str) -> Iterator[None]:
    """Raise Refused, with what to do, for all that fsspec raises."""
    try:
        yield
    except BerthError:
        raise
    except Exception as error:  # every cloud's package has errors of its own, and may name the whole address
        raise Refused(without_credentials(_explain(address, without_credentials(address), error))) from error


def _name(address: str) -> str | None:
    """The last folder of the address, or the one around it when that is a training's checkpoint-500."""
    parts = PurePosixPath(address.split("://", 1)[-1]).parts
    named = [part for part in parts if not CHECKPOINT.fullmatch(part)]
    return named[-1] if named else None


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A file to fetch."""

    there: str
    here: Path
    size_bytes: int


def _fetch(address: str, target: Path, progress: Progress, look: Look) -> None:
    """Fetch a folder's needed files into the folder `target`, or an archive into the file `target`."""
    from fsspec.core import url_to_fs  # noqa: PLC0415 - only remote addresses need it

    with _explained(address):
        files, path = url_to_fs(address)
        if ARCHIVE_NAME.fullmatch(target.name) and files.isfile(path):
            archive = _Wanted(path, target, int(files.size(path) or 0))
            _fetch_files(files, [archive], address, progress, lambda: None)
            return
        root = path.rstrip("/")
        sizes = _sizes(files, root)
    shown = without_credentials(address)
    if not sizes:
        raise Refused(f"{shown} holds no file, or there is no such folder: look with the tool that put it there")
    wanted = [_Wanted(f"{root}/{name}", target / name, sizes[name]) for name in needed_files(sizes, shown)]
    _fetch_files(files, wanted, address, progress, lambda: look(target))


def _sizes(files: "AbstractFileSystem", root: str) -> dict[str, int]:
    """Bytes of every file below `root`, by its name there."""
    found: dict[str, dict[str, Any]] = files.find(root, maxdepth=DEPTH, detail=True)
    return {name.removeprefix(f"{root}/"): int(entry.get("size") or 0) for name, entry in found.items() if name != root}


def _fetch_files(
    files: "AbstractFileSystem",
    wanted: Sequence[_Wanted],
    address: str,
    progress: Progress,
    look: Callable[[], object],
) -> None:
    """Fetch each file to its place, and look before the weights; Refused when one arrives with another size."""
    shown, total = without_credentials(address), sum(each.size_bytes for each in wanted)
    require_room(wanted[0].here.parent, total, shown, ELSEWHERE)
    advance = progress.begin(f"downloading {shown} ({total / MB:,.0f} MB)", total)
    first_weights = next((each for each in wanted if is_weights(each.there)), None)
    for each in wanted:
        if each == first_weights:
            look()
        each.here.parent.mkdir(parents=True, exist_ok=True)
        counted = Counted(advance)
        with _explained(address):
            files.get_file(each.there, str(each.here), callback=_callback(counted))
        got = each.here.stat().st_size
        if got != each.size_bytes:
            raise Refused(
                f"{shown}: {each.here.name} has {each.size_bytes} bytes there and arrived with {got}: pack it again"
            )
        counted.add(got - counted.done)  # some file systems report nothing


def _callback(counted: Counted) -> Any:
    """What fsspec tells how many bytes of a file there are."""
    from fsspec.callbacks import Callback  # noqa: PLC0415

    return Callback(hooks={"count": lambda _size, value, **_more: counted.add(value - counted.done)})


def _explain(address: str, shown: str, error: Exception) -> str:
    """One sentence for whatever fsspec or a cloud's package raised."""
    scheme = address.split(":", 1)[0].lower()
    if isinstance(error, ImportError):
        extra = EXTRAS.get(scheme)
        how = f"pip install 'berth[{extra}]'" if extra else "install with pip what it names"
        return f"{shown} needs a package that is not installed ({first_line(error)}): {how}"
    if isinstance(error, FileNotFoundError):
        return f"{shown} is not there: look with the tool that put it there"
    if isinstance(error, ValueError) and "rotocol" in str(error):
        return f"{shown} is of no scheme that fsspec knows ({first_line(error)}): gs://, s3:// and file:// are some"
    return (
        f"{shown} cannot be read ({type(error).__name__}: {first_line(error)}): check the address and the credentials "
        "that its own tool uses, and pack it again"
    )
