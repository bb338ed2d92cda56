"""`berth predict`."""

import itertools
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from ...clients.addresses import INFERENCE_URL, URL_VARIABLE
from ...errors import UsageError
from ..options import AsJson, Commands, wants_json

OUTPUT_HELP = "A folder for parts and a manifest: --file may then be all that `berth bulk` reads, and it may be killed."
INFERENCE_HELP = f"The inference address. Default: {URL_VARIABLE}, else TS_INFERENCE_ADDRESS, else {INFERENCE_URL}."


def predict(
    texts: Annotated[list[str] | None, typer.Argument(help="Texts. Without any: --file, else standard input.")] = None,
    file: Annotated[Path | None, typer.Option(help="One text a line; - is standard input.")] = None,
    objects: Annotated[bool, typer.Option("--objects", help="Each text is an input that is a JSON object.")] = False,
    parameters: Annotated[
        str | None, typer.Option(metavar="JSON", help="What to set for all inputs, as a JSON object.")
    ] = None,
    model: Annotated[str | None, typer.Option(help="Its name. Default: the only model that is served.")] = None,
    url: Annotated[str | None, typer.Option(help=INFERENCE_HELP)] = None,
    output: Annotated[Path | None, typer.Option(help=OUTPUT_HELP)] = None,
    to: Annotated[str, typer.Option(metavar="jsonl|csv|parquet", help="The form of the parts in --output.")] = "jsonl",
    column: Annotated[
        list[str] | None, typer.Option(metavar="KEY=NAME", help="With --output: which column a key is.")
    ] = None,
    rejects: Annotated[
        Path | None, typer.Option(help="A file for the inputs that are refused, each with its error: JSON lines.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Ask a running server: a table on a terminal, JSON lines elsewhere, as the answers come.

    An input that is refused has its error in its place. One line on stderr names what was cut, one what was
    refused.

    A locked server's key is taken from BERTH_API_KEY.

    \b
    berth predict "hello world"
    berth predict --model qa --parameters '{"top_k": 3}' --objects '{"question": "Who?", "context": "Ada did."}'
    """
    from ...clients.many import Many  # noqa: PLC0415 - `--help` answers at once
    from ...clients.rest_client import RestClient  # noqa: PLC0415
    from .answers import write_answers  # noqa: PLC0415
    from .inputs import parse_parameters, read_items  # noqa: PLC0415

    settings = parse_parameters(parameters)
    if output:
        if texts or objects or rejects:
            raise UsageError(
                "--output goes with --file, without texts, --objects and --rejects: it has files of its own"
            )
        if not find_spec(f"{__package__}.folder"):
            raise UsageError(
                "--output needs berth itself, and this is berth-client: leave it out, or pip install berth"
            )
        from .folder import ask_server, make_job  # noqa: PLC0415

        ask_server(make_job(file, output, to, column or (), settings), url, model, as_json=wants_json(as_json))
        return
    asked, shown = itertools.tee(read_items(texts or [], file, objects=objects))
    with RestClient(url) as client:
        answers = Many(client, settings, model).answers(item.value for item in asked)
        write_answers(
            ((item, answer) for answer, item in zip(answers, shown, strict=True)), rejects, as_json=wants_json(as_json)
        )


COMMANDS: Commands = ((predict, "Ask a running server."),)
