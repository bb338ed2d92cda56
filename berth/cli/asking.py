"""`berth predict`."""

from pathlib import Path
from typing import Annotated

import typer

from ..sources.sample import SAMPLE_NAME
from .options import AsJson, Commands, wants_json


def predict(
    texts: Annotated[list[str] | None, typer.Argument(help="Texts. Without any: --file, else standard input.")] = None,
    file: Annotated[Path | None, typer.Option(help="One text a line; - is standard input.")] = None,
    objects: Annotated[bool, typer.Option("--objects", help="Each text is an input that is a JSON object.")] = False,
    parameters: Annotated[
        str | None, typer.Option(metavar="JSON", help="What to set for all inputs, as a JSON object.")
    ] = None,
    model: Annotated[str, typer.Option(help="Model name.")] = SAMPLE_NAME,
    url: Annotated[str, typer.Option(help="The inference address.")] = "http://127.0.0.1:8080",
    as_json: AsJson = False,
) -> None:
    """Ask a running server: a table on a terminal, JSON lines elsewhere.

    \b
    berth predict --model qa --parameters '{"top_k": 3}' --objects '{"question": "Who?", "context": "Ada did."}'
    """
    from ..clients.rest_client import RestClient  # noqa: PLC0415
    from .inputs import parse_parameters, read_objects, read_texts  # noqa: PLC0415
    from .tables import render  # noqa: PLC0415

    settings = parse_parameters(parameters)
    inputs = read_objects(texts or [], file) if objects else read_texts(texts or [], file)
    with RestClient(url) as client:
        results = client.predict(model, inputs, settings)
    print(render(inputs, results, as_json=wants_json(as_json)))


COMMANDS: Commands = ((predict, "Ask a running server."),)
