"""Which files a run reads, and what form each has."""

import glob
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from urllib.parse import unquote

from ..errors import UsageError


class Form(StrEnum):
    """How records stand in a file."""

    PARQUET = "parquet"
    JSONL = "jsonl"
    CSV = "csv"
    TSV = "tsv"
    LINES = "lines"


SUFFIXES = {
    ".parquet": Form.PARQUET,
    ".pq": Form.PARQUET,
    ".jsonl": Form.JSONL,
    ".ndjson": Form.JSONL,
    ".csv": Form.CSV,
    ".tsv": Form.TSV,
    ".tab": Form.TSV,
    ".txt": Form.LINES,
}
COMPRESSED = frozenset({".gz", ".gzip", ".zst", ".zstd"})
MAGIC = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}
PARQUET_MAGIC = b"PAR1"
WIDE = (b"\xff\xfe", b"\xfe\xff")  # the marks of UTF-16
OTHERS = {
    b"PK\x03\x04": "a .zip (or .xlsx): unpack it, or save it as CSV",
    b"ORC": "ORC: convert it to Parquet",
    b"Obj\x01": "Avro: convert it to Parquet",
    b"ARROW1": "an Arrow file: convert it to Parquet",
    b"BZh": "bzip2: unpack it, or compress it with gzip or zstd",
    b"\xfd7zXZ": "xz: unpack it, or compress it with gzip or zstd",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One file of the input."""

    path: Path
    form: Form
    compression: str | None
    """gzip or zstd; None: as it is."""
    size: int
    mtime_ns: int
    partitions: dict[str, str] = field(default_factory=dict)
    """What folders above it say by their names, NAME=VALUE (hive)."""


def find_sources(inputs: Sequence[str], output: Path) -> list[Source]:
    """All files that the inputs name, each once, a folder's in the order of their paths.

    UsageError for what is not there, cannot be read, or is in a form that is not read.
    """
    if remote := next((each for each in inputs if "://" in each), None):
        raise UsageError(f"{remote}: only files of this machine are read yet: copy it here first")
    found: dict[Path, Source] = {}
    for name in inputs:
        for path in _expand(name, output.absolute()):
            if path not in found:
                found[path] = _describe(path)
    return list(found.values())


def _expand(name: str, output: Path) -> list[Path]:
    root = Path(name).absolute()
    if root.is_dir():
        if output.is_relative_to(root):
            raise UsageError(f"--output {output} lies in the input {root}, and would become input: choose another")
        files = sorted(each for each in _walk(root) if each.is_file())
        if not files:
            raise UsageError(f"{root} holds no file whose name ends with {', '.join(SUFFIXES)}")
        return files
    if root.exists():
        return [root]
    named = glob.glob(name, recursive=True)  # noqa: PTH207 - Path.glob takes no absolute pattern
    files = sorted(Path(each).absolute() for each in named if Path(each).is_file())
    if not files:
        raise UsageError(f"{name} does not exist, and no file is named so")
    return files


def _walk(root: Path) -> Iterator[Path]:
    """Files of known forms; not those that Spark and others hide (_SUCCESS, .part.crc)."""
    for path in root.rglob("*"):
        parts = path.relative_to(root).parts
        if not any(part.startswith((".", "_")) for part in parts) and _suffix(path) in SUFFIXES:
            yield path


def _suffix(path: Path) -> str:
    name = path.with_suffix("") if path.suffix.lower() in COMPRESSED else path
    return name.suffix.lower()


def _describe(path: Path) -> Source:
    try:
        with path.open("rb") as file:
            start = file.read(8)
        stat = path.stat()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}; check the path and its permissions") from error
    form = SUFFIXES.get(_suffix(path), Form.LINES)
    if start.startswith(PARQUET_MAGIC):
        form = Form.PARQUET
    elif form is Form.PARQUET:
        raise UsageError(f"{path} is not a Parquet file: it does not begin with PAR1 ({stat.st_size} bytes)")
    if start.startswith(WIDE):
        raise UsageError(f"{path} is UTF-16: convert it first, `iconv -f UTF-16 -t UTF-8`")
    if said := next((said for magic, said in OTHERS.items() if start.startswith(magic)), None):
        raise UsageError(f"{path} is {said}")
    return Source(
        path=path,
        form=form,
        compression=next((name for magic, name in MAGIC.items() if start.startswith(magic)), None),
        size=stat.st_size,
        mtime_ns=stat.st_mtime_ns,
        partitions=_partitions(path),
    )


def _partitions(path: Path) -> dict[str, str]:
    pairs = [part.split("=", 1) for part in path.parent.parts if "=" in part]
    return {unquote(name): unquote(value) for name, value in pairs}
