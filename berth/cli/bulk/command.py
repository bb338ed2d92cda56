"""The options of `berth bulk`."""

import itertools
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from ...bulk.job import PART_ROWS, RAY_ADDRESS, RAY_LOCAL, Job, OnError, Output, Shard
from ...bulk.storage.address import parse_place
from ...console import say
from ...errors import INTERRUPTED, UsageError
from ..asking.inputs import parse_parameters
from ..options import AsJson, Commands, Memory, RequireSignature, wants_json

COLUMN_HELP = "Which column a key of the task is: text, pair, question, context, query, texts. A bare NAME: the first."


Archive = Annotated[Path, typer.Argument(help="A .mar, or the folder it was unpacked to.")]
Inputs = Annotated[
    list[str],
    typer.Argument(
        help="Parquet, JSON lines, CSV, TSV or lines; files, folders, globs, gs:// and s3:// too; .gz and .zst."
    ),
]
Folder = Annotated[
    str, typer.Option(help="A folder of its own, for the parts and their manifest; gs:// and s3:// too.")
]
Column = Annotated[list[str] | None, typer.Option(metavar="KEY=NAME", help=COLUMN_HELP)]
Parameters = Annotated[str | None, typer.Option(metavar="JSON", help="As a request's, for all rows: a JSON object.")]
To = Annotated[Output, typer.Option(help="The form of the parts.")]
Float16 = Annotated[bool, typer.Option("--float16", help="Vectors of float16, in Parquet.")]
PartRows = Annotated[int, typer.Option(min=1, help="Most rows of a part.")]
OnErrorOption = Annotated[
    OnError, typer.Option(help="keep: a row's error stands in its row. fail: the first ends the run.")
]
AllowOther = Annotated[
    bool, typer.Option("--allow-other-machine", help="Go on with what another kind of machine began.")
]
ShardOption = Annotated[
    str | None,
    typer.Option(
        "--shard", metavar="INDEX/COUNT", help="One of COUNT runs that divide the files, into a folder below."
    ),
]
Ray = Annotated[
    str | None,
    typer.Option(
        metavar="[ADDRESS]", help="On a Ray cluster: auto, HOST:PORT, ray://HOST:PORT; none: one started here."
    ),
]
Plan = Annotated[bool, typer.Option("--plan", help="Say how many rows, parts, hours and bytes; write nothing.")]
Price = Annotated[float | None, typer.Option(min=0, help="What this machine costs an hour.")]


def bulk(
    archive: Archive,
    inputs: Inputs,
    output: Folder,
    column: Column = None,
    parameters: Parameters = None,
    to: To = Output.PARQUET,
    float16: Float16 = False,
    part_rows: PartRows = PART_ROWS,
    on_error: OnErrorOption = OnError.KEEP,
    allow_other_machine: AllowOther = False,
    shard: ShardOption = None,
    ray: Ray = None,
    plan: Plan = False,
    price_per_hour: Price = None,
    memory: Memory = None,
    require_signature: RequireSignature = None,
    as_json: AsJson = False,
) -> None:
    """Answer every row of files, in worker processes of this command: no server, no Java.

    It may be killed at any moment: the same command goes on, and what it writes in the end is what an undisturbed run
    writes, byte for byte. It needs pyarrow: pip install 'berth[bulk]'.

    \b
    berth bulk model_store/bert.mar texts.parquet --column text=body --output vectors
    berth bulk model_store/bert.mar 'logs/*.jsonl.gz' --output answers --to jsonl
    """
    job = Job(archive=archive, signed_by=require_signature, inputs=tuple(inputs), output=parse_place(output))
    job = replace(job, columns=parse_columns(column or ()), parameters=parse_parameters(parameters) or {})
    job = replace(job, to=to, float16=float16, part_rows=part_rows, on_error=on_error)
    job = replace(job, ray=ray, memory=memory, allow_other_machine=allow_other_machine)
    if shard is not None:
        job = job.share_of(Shard.parse(shard))
    _require(job, plan=plan)
    run_job(job, plan=plan, price_per_hour=price_per_hour, as_json=wants_json(as_json))


def parse_columns(said: Sequence[str]) -> dict[str, str]:
    """Read KEY=NAME, or NAME for the task's first key, which is called ""; UsageError for a key said twice."""
    columns: dict[str, str] = {}
    for each in said:
        key, found, name = each.partition("=")
        key, name = (key, name) if found else ("", key)
        if key in columns or not name:
            raise UsageError(f"--column {each}: give each key once, KEY=NAME, such as text=body")
        columns[key] = name
    return columns


def _require(job: Job, *, plan: bool) -> None:
    """UsageError for what cannot be done; nothing heavy is imported for it."""
    if job.ray is not None:
        _require_ray(job.ray, plan=plan)
    if job.float16 and job.to is not Output.PARQUET:
        raise UsageError(f"--float16 is for Parquet, and --to is {job.to}: leave one of them out")
    require_pyarrow("bulk")


def _require_ray(address: str, *, plan: bool) -> None:
    from importlib.util import find_spec  # noqa: PLC0415 - `--help` answers at once

    if not RAY_ADDRESS.fullmatch(address):
        raise UsageError(
            f"--ray {address}: give auto, HOST:PORT or ray://HOST:PORT, or nothing for a cluster of its own"
        )
    if plan:
        raise UsageError("--plan tries rows on this machine: leave out --ray, and divide by the machines")
    if not find_spec("ray"):
        raise UsageError("--ray needs Ray Data, which is not installed: pip install 'berth[ray]'")


def require_pyarrow(command: str) -> None:
    """UsageError where it is not installed; it is not imported yet."""
    from importlib.util import find_spec  # noqa: PLC0415 - `--help` answers at once

    if not find_spec("pyarrow"):
        raise UsageError(f"`berth {command}` needs pyarrow, which is not installed: pip install 'berth[bulk]'")


def run_job(job: Job, *, as_json: bool, plan: bool = False, price_per_hour: float | None = None) -> None:
    """Run it, or plan it, seen on stderr, and print what came of it; Ctrl-C ends it with a sentence."""
    try:
        _start(job, plan=plan, price_per_hour=price_per_hour, as_json=as_json)
    except KeyboardInterrupt:
        say(f"stopped: what is written stays in {job.output}; the same command goes on from there")
        raise typer.Exit(INTERRUPTED) from None


def _start(job: Job, *, plan: bool, price_per_hour: float | None, as_json: bool) -> None:
    from .show import render_account, render_plan, watched  # noqa: PLC0415 - `--help` answers at once

    if plan:
        from ...bulk.plan import plan_run  # noqa: PLC0415

        print(render_plan(plan_run(job), price_per_hour, as_json=as_json))
        return
    from ...bulk.run import run  # noqa: PLC0415

    with watched() as watch:
        account = run(job, watch)
    print(render_account(account, job.output, price_per_hour, as_json=as_json))


class RayCommand(TyperCommand):
    """A command whose option `--ray` may stand without a value, which typer knows not."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """As typer does; a `--ray` that no address follows means a cluster of the command's own."""
        return super().parse_args(ctx, fill_ray(args))


def fill_ray(args: Sequence[str]) -> list[str]:
    """The words with an address behind each `--ray`."""
    filled = list[str]()
    for word, following in itertools.zip_longest(args, args[1:], fillvalue=""):
        filled.append(word)
        if word == "--ray" and not RAY_ADDRESS.fullmatch(following):
            filled.append(RAY_LOCAL)
    return filled


COMMANDS: Commands = ((bulk, "Answer whole files of texts, without a server."),)
