"""A folder that some conversion applies to -> a temporary folder of today's form; any other stays where it lies.

A conversion is a pair of functions in a file of its own. `applies` looks at names and JSON alone, so that a folder of
today's form costs nothing; `convert` changes a copy, in which it may replace and delete files, never write into them:
they may be hard links to the user's own.
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..errors import Refused
from ..progress import Progress
from . import settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversion:
    """One thing that a folder may need to be of today's form."""

    applies: Callable[[Path], bool]
    """Whether the folder needs it; Refused when it does and cannot have it."""
    convert: Callable[[Path, Progress], str]
    """Does it in the folder; returns the sentence that says what was done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Converted:
    """A folder of today's form."""

    folder: Path
    notes: tuple[str, ...] = ()
    """What was converted, a sentence each."""


CONVERSIONS: tuple[Conversion, ...] = (Conversion(applies=settings.applies, convert=settings.convert),)
"""In the order in which they are done."""


@contextmanager
def converted(folder: Path, progress: Progress) -> Iterator[Converted]:
    """`folder` itself, or a copy of it in today's form that goes with the context."""
    if not any(conversion.applies(folder) for conversion in CONVERSIONS):
        yield Converted(folder=folder)
        return
    with tempfile.TemporaryDirectory(prefix="berth-convert-") as work:
        copy = Path(work, folder.resolve().name)
        shutil.copytree(folder, copy, copy_function=_link)
        try:
            notes = tuple(each.convert(copy, progress) for each in CONVERSIONS if each.applies(copy))
            yield Converted(folder=copy, notes=notes)
        except Refused as refused:  # the user knows the folder, not our copy of it
            raise Refused(str(refused).replace(str(copy), str(folder))) from refused


def _link(source: str, target: str) -> None:
    """A hard link in the place of a copy, where the file system allows it."""
    try:
        os.link(os.path.realpath(source), target)
    except OSError:
        shutil.copyfile(source, target)
