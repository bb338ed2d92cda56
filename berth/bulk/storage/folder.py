"""What a run asks of the place of its output."""

from dataclasses import dataclass
from typing import Protocol

MANIFEST = "manifest.jsonl"


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A file that is wholly there."""

    size: int
    sha256: str


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

    def is_whole(self, name: str, written: Written) -> bool:
        """Whether a file lies there as it was written."""

    def close(self) -> None:
        """Let go of the folder, and remove what is unfinished; no worker writes any more."""


def name_of(number: int, form: str) -> str:
    """What a part is called."""
    return f"part-{number:06d}.{form}"


def rejects_name(number: int) -> str:
    """What the rows that a part rejects are called."""
    return f"rejects-{number:06d}.jsonl"
