"""Which files a run reads, and what form each has."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import PurePosixPath
from urllib.parse import unquote

from ..errors import UsageError
from .storage.address import Place
from .storage.places import find_files, given_parts, is_within, look_at, unreadable
from .storage.walk import HIDDEN


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

    path: Place
    form: Form
    compression: str | None
    """gzip or zstd; None: as it is."""
    size: int
    stamp: Mapping[str, object]
    """What changes with its content: when it was modified."""
    partitions: dict[str, str] = field(default_factory=dict)
    """What the folders between the input that was named and this file say by their names."""


def find_sources(inputs: Sequence[str], output: Place) -> list[Source]:
    """All files that the inputs name, each once, a folder's in the order of their paths.

    UsageError for what is not there, cannot be read, or is in a form that is not read.
    """
    found: dict[Place, Source] = {}
    for name in inputs:
        named = given_parts(name)
        for path in _expand(name, output):
            if path not in found:
                found[path] = _describe(path, partitions_of(path.parts[named:-1]))
    return list(found.values())


def _expand(name: str, output: Place) -> list[Place]:
    if is_within(output, name):
        raise UsageError(f"--output {output} lies in the input {name}, and would become input: choose another")
    files = find_files(name, _is_input)
    if not files:
        raise UsageError(f"{name} holds no file whose name ends with {', '.join(SUFFIXES)}")
    return files


def _is_input(path: str) -> bool:
    """Whether a file of a folder is one of known forms; none that Spark and others hide (_SUCCESS, .part.crc)."""
    is_hidden = any(part.startswith(HIDDEN) for part in path.split("/"))
    return not is_hidden and _suffix(path) in SUFFIXES


def _suffix(name: str) -> str:
    path = PurePosixPath(name)
    path = path.with_suffix("") if path.suffix.lower() in COMPRESSED else path
    return path.suffix.lower()


def _describe(path: Place, partitions: dict[str, str]) -> Source:
    try:
        facts = look_at(path)
    except OSError as error:
        raise unreadable(
            path, error, f"cannot be read: {error.strerror}; check the path and its permissions"
        ) from error
    start = facts.start
    form = SUFFIXES.get(_suffix(path.name), Form.LINES)
    if start.startswith(PARQUET_MAGIC):
        form = Form.PARQUET
    elif form is Form.PARQUET:
        raise UsageError(f"{path} is not a Parquet file: it does not begin with PAR1 ({facts.size} bytes)")
    if start.startswith(WIDE):
        raise UsageError(f"{path} is UTF-16: convert it first, `iconv -f UTF-16 -t UTF-8`")
    if said := next((said for magic, said in OTHERS.items() if start.startswith(magic)), None):
        raise UsageError(f"{path} is {said}")
    return Source(
        path=path,
        form=form,
        compression=next((name for magic, name in MAGIC.items() if start.startswith(magic)), None),
        size=facts.size,
        stamp=facts.stamp,
        partitions=partitions,
    )


def partitions_of(folders: Sequence[str]) -> dict[str, str]:
    """What folders say by their names, NAME=VALUE (hive)."""
    pairs = [folder.split("=", 1) for folder in folders if "=" in folder]
    return {unquote(name): unquote(value) for name, value in pairs}
