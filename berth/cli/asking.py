"""`berth predict`."""

from pathlib import Path
from typing import Annotated

import typer

from ..clients.addresses import INFERENCE_URL, URL_VARIABLE
from ..console import say
from .options import AsJson, Commands, wants_json

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
    as_json: AsJson = False,
) -> None:
    """Ask a running server: a table on a terminal, JSON lines elsewhere; one line on stderr names what was cut.

    A locked server's key is taken from BERTH_API_KEY.

    \b
    berth predict "hello world"
    berth predict --model qa --parameters '{"top_k": 3}' --objects '{"question": "Who?", "context": "Ada did."}'
    """
    from ..clients.rest_client import PREDICTIONS, RestClient, describe_cut  # noqa: PLC0415 - `--help` answers at once
    from .inputs import parse_parameters, read_objects, read_texts  # noqa: PLC0415
    from .tables import render  # noqa: PLC0415

    settings = parse_parameters(parameters)
    inputs = read_objects(texts or [], file) if objects else read_texts(texts or [], file)
    with RestClient(url) as client:
        results = client.ask(PREDICTIONS, inputs, settings, model)
    if results.truncated:
        say(describe_cut(results.truncated))
    print(render(inputs, results, as_json=wants_json(as_json)))


COMMANDS: Commands = ((predict, "Ask a running server."),)
