"""What every kind of source comes to: a folder on this machine, the archive's name, and where it came from."""

import re
from dataclasses import dataclass
from pathlib import Path

CREDENTIALS = re.compile(r"(?<=//)[^/@]*@")  # ftp://user:password@host


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A checkpoint as it lies on this machine."""

    folder: Path
    name: str
    """The archive's name unless the user gives one."""
    address: str
    """What the user named, without a password."""
    revision: str | None = None
    """The commit of the Hub that was fetched, or that a folder of its cache is of; None for other sources."""
    notes: tuple[str, ...] = ()
    """What was chosen for the user, a sentence each: the best checkpoint of a training, for one."""


def without_credentials(address: str) -> str:
    """`address` as it may be printed and kept in an archive."""
    return CREDENTIALS.sub("", address)
