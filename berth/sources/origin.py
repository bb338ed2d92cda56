"""What every kind of source comes to: a folder on this machine, the archive's name, and where it came from."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

MOST_OF_A_MESSAGE = 300  # characters
Look = Callable[[Path], object]
"""Looks at a folder that has all but its weights, and raises Refused when they need not be fetched."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A checkpoint as it lies on this machine."""

    folder: Path
    name: str
    """The archive's name unless the user gives one."""
    address: str
    """What the user named, without a password; of a folder of the Hub's cache, the model's id."""
    revision: str | None = None
    """The commit of the Hub that was fetched, or that a folder of its cache is of; None for other sources."""
    notes: tuple[str, ...] = ()
    """What was chosen for the user, a sentence each: the best checkpoint of a training, for one."""

    @property
    def origin(self) -> dict[str, str]:
        """What an archive keeps of it: nothing of a local one, so that equal folders make equal archives."""
        if self.revision is None:
            return {}
        return {"source": self.address.partition("@")[0], "revision": self.revision}


def first_line(error: BaseException) -> str:
    """The beginning of a library's message, for a sentence of ours; its class where it has none."""
    lines = str(error).strip().splitlines()
    return lines[0][:MOST_OF_A_MESSAGE].rstrip(":") if lines else type(error).__name__
