"""What a run asks of the place of its output."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

MANIFEST = "manifest.jsonl"
DRAFT = ".draft-"
"""How names of parts begin that are not in their place."""
REJECTED = re.compile(r"/part-(\d+)\.\w+(\?[^/]*)?$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of a file before it is read."""

    start: bytes
    """Its first eight bytes, or all."""
    size: int
    stamp: Mapping[str, object]
    """What changes with its content: when it was modified; of an object its etag or its generation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A file that is wholly there."""

    size: int
    sha256: str
    stamp: str = ""
    """Of an object: what changes when it is written again."""


class Folder(Protocol):
    """An output folder that one run holds; `str` of it is its name for people."""

    def read_manifest(self) -> bytes:
        """What its manifest holds, b"" where there is none."""

    def cut_manifest(self, size: int) -> None:
        """Leave the first `size` bytes of the manifest."""

    def append(self, line: bytes) -> None:
        """Add a line to the manifest; BerthError where the place takes no more."""

    def draft(self, number: int, name: str) -> str:
        """Where a worker writes the part `number`, which will be called `name`."""

    def publish(self, number: int, name: str) -> None:
        """Let a part, and what it rejects, stand in its place, before its line is appended."""

    def whole(self, files: Mapping[str, Written]) -> set[str]:
        """Those that lie there as they were written."""

    def close(self) -> None:
        """Let go of the folder, and remove what is unfinished; no worker writes any more."""


def name_of(number: int, form: str) -> str:
    """What a part is called."""
    return f"part-{number:06d}.{form}"


def rejects_name(number: int) -> str:
    """What the rows that a part rejects are called."""
    return f"rejects-{number:06d}.jsonl"


def rejects_beside(draft: str) -> str:
    """Where a worker writes what the part that it writes there rejects."""
    return REJECTED.sub(r"/rejects-\1.jsonl\2", draft) if "://" in draft else f"{draft}-rejects"
