"""The options of `berth predict`."""

import contextlib
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from ...clients.addresses import INFERENCE_URL, URL_VARIABLE
from ...console import say
from ...errors import INTERRUPTED, UsageError
from ..options import AsJson, Commands, wants_json

FILE_HELP = "One text a line; - is standard input. With --output all that `berth bulk` reads, gs:// and s3:// too."
INFERENCE_HELP = f"The inference address. Default: {URL_VARIABLE}, else TS_INFERENCE_ADDRESS, else {INFERENCE_URL}."
REJECTS_HELP = "A file for the inputs that are refused, each with its error: JSON lines."

Texts = Annotated[list[str] | None, typer.Argument(help="Texts. Without any: --file, else standard input.")]
File = Annotated[str | None, typer.Option(help=FILE_HELP)]
Objects = Annotated[bool, typer.Option("--objects", help="Each text is an input that is a JSON object.")]
Parameters = Annotated[str | None, typer.Option(metavar="JSON", help="What to set for all inputs, as a JSON object.")]
Model = Annotated[str | None, typer.Option(help="Its name. Default: the only model that is served.")]
Url = Annotated[str | None, typer.Option(help=INFERENCE_HELP)]
Rejects = Annotated[Path | None, typer.Option(help=REJECTS_HELP)]
Output = Annotated[
    str | None,
    typer.Option(help="A folder for parts and a manifest, gs:// and s3:// too: it may be killed, and goes on."),
]
To = Annotated[
    str | None, typer.Option(metavar="jsonl|csv|parquet", help="The form of the parts in --output. Default: jsonl.")
]
Column = Annotated[
    list[str] | None, typer.Option(metavar="KEY=NAME", help="With --output: which column is which key of the task.")
]


def predict(
    texts: Texts = None,
    file: File = None,
    objects: Objects = False,
    parameters: Parameters = None,
    model: Model = None,
    url: Url = None,
    rejects: Rejects = None,
    output: Output = None,
    to: To = None,
    column: Column = None,
    as_json: AsJson = False,
) -> None:
    """Ask a running server: a table on a terminal, JSON lines elsewhere, as the answers come.

    An input that is refused has its error in its place. One line on stderr names what was cut, one what was refused.
    A locked server's key is taken from BERTH_API_KEY.

    \b
    berth predict "hello world"
    berth predict --model qa --parameters '{"top_k": 3}' --objects '{"question": "Who?", "context": "Ada did."}'
    """
    from .inputs import parse_parameters, read_items  # noqa: PLC0415 - `--help` answers at once

    settings = parse_parameters(parameters)
    _check_together(output, without=texts or objects or rejects, only_with=to or column)
    if output:
        _require_berth()
        from .folder import ask_server, make_job  # noqa: PLC0415

        ask_server(
            make_job(file, output, to or "jsonl", column or (), settings), url, model, as_json=wants_json(as_json)
        )
        return
    from .answers import print_answers  # noqa: PLC0415

    with _ended_by_ctrl_c():
        items = read_items(texts or [], _local(file), objects=objects)
        print_answers(items, url, model, settings, rejects, as_json=wants_json(as_json))


@contextlib.contextmanager
def _ended_by_ctrl_c() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        say("stopped: what was answered so far is written")
        raise typer.Exit(INTERRUPTED) from None


def _check_together(output: str | None, *, without: object, only_with: object) -> None:
    if output and without:
        raise UsageError("--output goes with --file, without texts, --objects and --rejects: it has files of its own")
    if only_with and not output:
        raise UsageError("--to and --column go with --output: without it each answer is printed as JSON")


def _local(file: str | None) -> Path | None:
    if file and "://" in file:
        raise UsageError(
            f"--file {file} is read with --output FOLDER: what is printed comes from files of this machine"
        )
    return Path(file) if file else None


def _require_berth() -> None:
    if not find_spec(f"{__package__}.folder"):
        raise UsageError("--output needs berth itself, and this is berth-client: leave it out, or pip install berth")


COMMANDS: Commands = ((predict, "Ask a running server."),)
