"""A folder that some conversion applies to -> a temporary folder of today's form; any other stays where it lies.

A conversion is a pair of functions in a file of its own. `applies` looks at names and JSON alone, so that a folder of
today's form costs nothing; `convert` changes a copy, in which it may replace and delete files, never write into them:
they may be hard links to the user's own.
"""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..errors import BerthError, Refused
from ..progress import Progress
from . import adapter, layout_2019, lower_case, native, pickles, settings
from .base import bring_base
from .copying import copy_folder
from .foreign import check_form
from .gliclass import labelled_encoder
from .gliner import encoder, tokens
from .modules import routes, stanford, static, token_modules
from .tokenizer import as_saved
from .tokenizer.conversion import make_tokenizers, needs_tokenizer


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversion:
    """One thing that a folder may need to be of today's form."""

    applies: Callable[[Path], bool]
    """Whether the folder needs it; Refused when it does and cannot have it."""
    convert: Callable[[Path, Progress], str]
    """Does it in the folder; returns the sentence that says what was done, or nothing where nothing was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Converted:
    """A folder of today's form."""

    folder: Path
    notes: tuple[str, ...] = ()
    """What was converted, a sentence each."""


CONVERSIONS: tuple[Conversion, ...] = (
    Conversion(applies=routes.applies, convert=routes.convert),  # where the weights lie is told behind it
    Conversion(applies=pickles.applies, convert=pickles.convert),
    Conversion(applies=encoder.applies, convert=encoder.convert),
    Conversion(applies=labelled_encoder.applies, convert=labelled_encoder.convert),
    Conversion(applies=token_modules.applies, convert=token_modules.convert),
    Conversion(applies=static.applies, convert=static.convert),
    Conversion(applies=stanford.applies, convert=stanford.convert),
    Conversion(applies=layout_2019.applies, convert=layout_2019.convert),
    Conversion(applies=adapter.applies, convert=adapter.convert),
    Conversion(applies=native.applies, convert=native.convert),
    Conversion(applies=settings.applies, convert=settings.convert),
    Conversion(applies=needs_tokenizer, convert=make_tokenizers),  # it needs config.json
    Conversion(applies=as_saved.applies, convert=as_saved.convert),
    Conversion(applies=lower_case.applies, convert=lower_case.convert),  # it needs tokenizer.json
    Conversion(applies=tokens.applies, convert=tokens.convert),  # so does it
)
"""In the order in which they are done."""


@contextmanager
def converted(folder: Path, progress: Progress) -> Iterator[Converted]:
    """`folder` itself, or a copy of it in today's form that goes with the context.

    Refused when its weights are of a form that cannot be had. A refusal of the copy, inside the context too, names
    `folder`: the user does not know our copy.
    """
    check_form(folder)
    if not any(conversion.applies(folder) for conversion in CONVERSIONS):
        yield Converted(folder=folder)
        return
    with tempfile.TemporaryDirectory(prefix="berth-convert-") as work:
        copy = Path(work).resolve() / folder.resolve().name
        try:
            yield Converted(folder=copy, notes=_convert(folder, copy, progress))
        except Refused as refused:
            raise Refused(str(refused).replace(str(copy), str(folder))) from refused


def _convert(folder: Path, copy: Path, progress: Progress) -> tuple[str, ...]:
    """Make the copy and convert it; returns a sentence for each conversion."""
    try:
        copy_folder(folder, copy)
        bring_base(folder, copy, progress)
        notes = [each.convert(copy, progress) for each in CONVERSIONS if each.applies(copy)]
        return tuple(filter(None, notes))
    except OSError as error:
        raise BerthError(f"cannot convert {folder} in {copy.parent}: {error}; TMPDIR names another folder") from error
