"""What several commands share: options, and how results are written."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

Commands = tuple[tuple[Callable[..., Any], str], ...]
"""The commands of a group, each with its line in `berth --help`: at most 66 characters, or it would be cut."""

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, also on a terminal.")]
Config = Annotated[
    Path | None, typer.Option(help="TorchServe's settings. Default: ./config.properties, else the installed copy.")
]
Memory = Annotated[
    str | None, typer.Option(metavar="2Gi", help="How much it may take. Default: what the container or machine grants.")
]
RequireSignature = Annotated[
    Path | None,
    typer.Option(
        metavar="KEY",
        envvar="BERTH_REQUIRE_SIGNATURE",
        help="A public key: refuse each archive that it has not signed.",
    ),
]


def wants_json(as_json: bool) -> bool:
    """Whether to print JSON: --json was given, or nobody looks."""
    return as_json or not (sys.stdout and sys.stdout.isatty())
