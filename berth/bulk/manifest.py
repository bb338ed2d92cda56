"""OUTPUT/manifest.jsonl: what the run is, then a line for each part in order. Whoever resumes believes it, and checks.

Lines are appended after their part. One that a kill tore is cut off at the next start.
"""

from collections.abc import Iterator, Mapping
from contextlib import nullcontext, suppress
from types import TracebackType
from typing import Any, Self

import msgspec

from ..errors import BerthError, Refused
from .sources import partitions_of
from .storage.address import Place
from .storage.folder import MANIFEST, Written
from .storage.places import hold_folder

NAME = MANIFEST
SCHEMA_VERSION = 2
"""1: inputs without their partitions, which were read off all folders of a path."""


class Head(msgspec.Struct, frozen=True, kw_only=True, tag_field="is", tag="run"):
    """What the run is. Two with the same heads write the same bytes."""

    schema_version: int = SCHEMA_VERSION
    settings: dict[str, Any]
    """Archive, parameters, columns, form of the output, limits of a part."""
    inputs: list[dict[str, Any]]
    """Each file with its size and time, and its partitions where it has some."""
    machine: dict[str, Any]
    """Engine, precision, CPU or GPU, versions."""


class OtherMachine(msgspec.Struct, frozen=True, kw_only=True, tag_field="is", tag="machine"):
    """The parts behind this line were made on another machine, because --allow-other-machine said so."""

    machine: dict[str, Any]


class Part(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="is", tag="part"):
    """A part that is in its place."""

    part: int
    file: str
    input: int
    """Which of the head's inputs, from 0."""
    rows: tuple[int, int]
    """Its first row in the input, from 0, and the one behind its last."""
    bytes: tuple[int, int]
    """Where it begins and ends in the input, uncompressed; zeros for Parquet."""
    size: int
    sha256: str
    errors: dict[str, int]
    cut: int
    tokens: int
    stamp: str = ""
    """Of an object in a bucket: what changes when it is written again."""


Line = Head | OtherMachine | Part


class Manifest:
    """The manifest of an output folder, held by one run at a time."""

    def __init__(self, place: Place) -> None:
        """Open it, and make the folder; Refused where another run holds it, UsageError where it cannot be written."""
        self._folder = hold_folder(place)
        self.head: Head | None = None
        self.machine: dict[str, Any] = {}
        self.parts: dict[int, Part] = {}
        """By number: those that were written, whether they are still there or not."""
        try:
            self._read()
        except BerthError:
            self._folder.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with suppress(BerthError) if error else nullcontext():  # the first is what people are told
            self._folder.close()

    def draft(self, number: int, name: str) -> str:
        """Where the part that will be called `name` is written before it is kept."""
        return self._folder.draft(number, name)

    def keep(self, part: Part) -> None:
        """Let a part stand in its place, and append its line."""
        self._folder.publish(part.part, part.file)
        self.append(part)

    def require_same(self, settings: Mapping[str, Any], inputs: list[dict[str, Any]]) -> None:
        """Refused where the folder has the parts of another run; it names what differs."""
        if self.head is None:
            return
        there: dict[str, Any] = {**self.head.settings, "inputs": _inputs_of(self.head)}
        if said := next(differences(there, {**settings, "inputs": inputs}, ""), None):
            raise Refused(f"{self._folder} holds another run: {said}. Give it the same, or another --output")

    def begin(self, head: Head, *, allows_other_machine: bool) -> None:
        """Write the head, or hold this machine against the one that stands there."""
        if self.head is None:
            self.append(head)
            return
        said = next(differences(self.machine, head.machine, ""), None)
        if said is None:
            return
        if not allows_other_machine:
            raise Refused(
                f"{self._folder} was begun on another kind of machine, {said}: the rest would not be what that one "
                "writes. Go on there, or with --allow-other-machine, which is recorded"
            )
        self.append(OtherMachine(machine=head.machine))

    def append(self, line: Line) -> None:
        """Add a line, which is kept when this returns; BerthError where the folder takes no more."""
        self._folder.append(msgspec.json.encode(line) + b"\n")
        self._take(line)

    def verified(self) -> dict[int, Part]:
        """The parts that lie there as they were written; others are to be made again."""
        files = {
            each.file: Written(size=each.size, sha256=each.sha256, stamp=each.stamp) for each in self.parts.values()
        }
        whole = self._folder.whole(files)
        return {number: part for number, part in self.parts.items() if part.file in whole}

    def _read(self) -> None:
        good = 0
        for number, line in enumerate(self._folder.read_manifest().splitlines(keepends=True), 1):
            if not line.endswith(b"\n"):
                break  # torn by a kill
            good += len(line)
            try:
                self._take(msgspec.json.decode(line, type=Line))
            except msgspec.DecodeError as error:
                raise Refused(
                    f"{self._folder}/{NAME}, line {number} is damaged ({error}): remove it and what follows, and the "
                    "parts behind it are made again"
                ) from error
        self._folder.cut_manifest(good)
        if good and self.head is None:
            raise Refused(f"{self._folder}/{NAME} does not begin as a run's manifest: choose another --output")

    def _take(self, line: Line) -> None:
        match line:
            case Head():
                self.head, self.machine = line, line.machine
            case OtherMachine():
                self.machine = line.machine
            case Part():
                self.parts[line.part] = line


def _inputs_of(head: Head) -> list[dict[str, Any]]:
    """As they would be written today."""
    if head.schema_version >= SCHEMA_VERSION:
        return head.inputs
    found = [(each, partitions_of(each["path"].split("/")[:-1])) for each in head.inputs]
    return [{**each, "partitions": partitions} if partitions else each for each, partitions in found]


def differences(there: Any, now: Any, place: str) -> Iterator[str]:
    """What differs between two of these values, for a sentence: `precision is fp32 there and bf16 now`."""
    if isinstance(there, Mapping) and isinstance(now, Mapping):
        for key in dict.fromkeys((*there, *now)):
            yield from differences(there.get(key), now.get(key), f"{place} {key}".strip())
    elif isinstance(there, list | tuple) and isinstance(now, list | tuple) and len(there) == len(now):
        for number, (one, other) in enumerate(zip(there, now, strict=True), 1):
            yield from differences(one, other, f"{place} {number}")
    elif isinstance(there, list | tuple) and isinstance(now, list | tuple):
        yield f"{place} are {len(there)} there and {len(now)} now"
    elif there != now:
        yield f"{place} is {_show(there)} there and {_show(now)} now"


def _show(value: object) -> str:
    return "none" if value is None else str(value)
