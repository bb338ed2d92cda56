"""The options of `berth audit`, and its table."""

import json
import os
from collections.abc import Mapping
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ...bulk.job import Job
from ..asking.inputs import parse_parameters
from ..options import AsJson, Commands, RequireSignature, wants_json
from .command import Column, Inputs, Parameters, parse_columns, require_pyarrow

if TYPE_CHECKING:
    from ...bulk.audit.counts import Counts

Model = Annotated[Path, typer.Option(help="A .mar, or the folder it was unpacked to.")]


def audit(
    inputs: Inputs,
    model: Model,
    column: Column = None,
    parameters: Parameters = None,
    require_signature: RequireSignature = None,
    as_json: AsJson = False,
) -> None:
    """Say how much of a corpus the model would never read, by file and in all: a table, or JSON elsewhere.

    The archive's own tokenizer reads every row; nothing is computed and nothing is written.

    \b
    berth audit corpus/ --model model_store/bert.mar
    """
    require_pyarrow("audit")
    from ...bulk.audit.run import audit as run  # noqa: PLC0415 - `--help` answers at once
    from .show import watched  # noqa: PLC0415

    job = Job(
        archive=model,
        signed_by=require_signature,
        inputs=tuple(inputs),
        output=Path(os.devnull),
        reads_only=True,
        columns=parse_columns(column or ()),
        parameters=parse_parameters(parameters) or {},
    )
    with watched() as watch:
        files, whole = run(job, watch)
    print(render_audit(files, whole, as_json=wants_json(as_json)))


def render_audit(files: "Mapping[str, Counts]", whole: "Counts", *, as_json: bool) -> str:
    """One JSON object, or a table with a row for each file and one for all."""
    if as_json:
        return json.dumps({"files": {name: each.to_json() for name, each in files.items()}, "all": whole.to_json()})
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    from ..tables import draw  # noqa: PLC0415

    lengths = ("mean", "p50", "p95", "p99", "max")
    table = Table("file", "rows", "tokens", *lengths, "cut", "never read", "refused", "unknown", "equal")
    folders = zip(*(name.split("/")[:-1] for name in files), strict=False)
    shared = sum(1 for _ in takewhile(lambda names: len(set(names)) == 1, folders))
    shown = {"/".join(name.split("/")[shared:]): each for name, each in files.items()} if len(files) > 1 else {}
    for name, each in [*shown.items(), ("all", whole)]:
        found = each.to_json()
        spread = [_number(found["tokens_per_row"].get(length, "")) for length in lengths]
        table.add_row(Text(name), _number(found["rows"]), _number(found["tokens"]), *spread, *_rest(found))
    return draw(table)


def _rest(found: dict[str, Any]) -> list[str]:
    return [
        _number(found["cut_rows"]),
        f"{found['never_read_share']:.2%}",
        _number(sum(found["refused_rows"].values())),
        f"{found['unknown_share']:.2%}",
        _number(found["equal_rows"]),
    ]


def _number(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:,}"


COMMANDS: Commands = ((audit, "How much of a corpus the model would never read."),)
