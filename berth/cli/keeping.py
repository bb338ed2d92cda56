"""`berth cache`: what berth keeps on the disk."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer

from ..archive.kept import Kept, clear_kept, list_kept
from ..archive.unpack import cache_folder
from ..console import say
from ..machine.quantities import format_bytes
from .options import AsJson, Commands, wants_json

MINUTE_S, HOUR_S = 60.0, 3600.0


def cache(
    clear: Annotated[
        bool, typer.Option("--clear", help="Remove what no running server uses, unfinished too, and list that.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List the archives that are kept unpacked in $XDG_CACHE_HOME/berth (else ~/.cache/berth); --clear removes them.

    What a running server uses stays. `berth serve` unpacks again what it misses.
    """
    folder = cache_folder()
    kept = clear_kept(folder) if clear else list_kept(folder)
    print(_render(kept, as_json=wants_json(as_json)), end="")
    total = format_bytes(sum(each.size_bytes for each in kept))
    folders = f"{len(kept)} folder{'s' * (len(kept) != 1)}"
    say(f"{total} in {folders} {'removed from' if clear else 'of'} {folder}")


def _render(kept: Sequence[Kept], *, as_json: bool) -> str:
    """One line of JSON for each folder, or a table; empty where there is none."""
    if as_json:
        return "".join(json.dumps({**asdict(each), "folder": str(each.folder)}) + "\n" for each in kept)
    if not kept:
        return ""
    from rich.table import Table  # noqa: PLC0415 - `--help` answers at once

    from .tables import draw  # noqa: PLC0415

    table = Table("model", "content", "size", "unpacked", "in use")
    for each in kept:
        age = f"{each.age_s / HOUR_S:.0f} h ago" if each.age_s >= HOUR_S else f"{each.age_s / MINUTE_S:.0f} min ago"
        table.add_row(_name(each), each.folder.name, format_bytes(each.size_bytes), age, "yes" * each.is_held)
    return draw(table) + "\n"


def _name(kept: Kept) -> str:
    if kept.is_draft:
        return "(unfinished)"
    return kept.model or "(not an archive)"


COMMANDS: Commands = ((cache, "List or clear the unpacked archives that are kept on the disk."),)
