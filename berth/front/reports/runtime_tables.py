"""What HAProxy's runtime API says, read."""

import csv
import io
import re
from collections.abc import Mapping

Entry = Mapping[str, int]
"""An entry's numbers by their names."""
ENTRY = re.compile(r"key=(?P<key>\S*) .*")
FIELD = re.compile(r"(\w+)=(\d+)")
STREAM = re.compile(r" be=(\S+) .* age=(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)? ")
AGE_S = (86_400, 3_600, 60, 1)


def read_table(shown: str) -> dict[str, Entry]:
    """A stick table's entries by their keys, as `show table` lists them."""
    entries = filter(None, map(ENTRY.search, shown.splitlines()))
    return {entry["key"]: {name: int(value) for name, value in FIELD.findall(entry[0])} for entry in entries}


def read_backends(shown: str) -> dict[str, Mapping[str, str]]:
    """What `show stat` says of each backend."""
    return read_servers(shown, "BACKEND")


def read_servers(shown: str, name: str) -> dict[str, Mapping[str, str]]:
    """What it says of each backend's server of this name."""
    rows = csv.DictReader(io.StringIO(shown.removeprefix("# ")))
    return {row["pxname"]: row for row in rows if row["svname"] == name}


def oldest_ages(shown: str) -> dict[str, int]:
    """How many whole seconds the oldest stream of each backend is old, as `show sess` lists streams."""
    oldest: dict[str, int] = {}
    for backend, *parts in STREAM.findall(shown):
        age_s = sum(int(part or 0) * scale for part, scale in zip(parts, AGE_S, strict=True))
        oldest[backend] = max(age_s, oldest.get(backend, 0))
    return oldest
