"""The command line: options and dispatch. The only file that prints and exits; it imports no torch."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from handler.config import Task

from . import __version__
from .errors import BerthError

app = typer.Typer(
    help="Pack a BERT checkpoint into a TorchServe archive, serve it, ask it.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def main() -> None:
    """The `berth` command: an error of ours becomes one line on stderr and its exit code."""
    try:
        app()
    except BerthError as error:
        print(f"berth: {error}", file=sys.stderr)
        sys.exit(error.exit_code)


def _print_version(value: bool) -> None:
    if value:
        print(f"berth {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Options before the command."""


@app.command()
def pack(
    checkpoint: Annotated[
        Path | None, typer.Argument(help="A local Hugging Face folder. Without it: the sample model.")
    ] = None,
    task: Annotated[Task | None, typer.Option(help="Overrides what the checkpoint's own files say.")] = None,
    name: Annotated[str | None, typer.Option(help="Default: the folder's name; the sample is bert.")] = None,
    version: Annotated[str, typer.Option(help="Model version.")] = "1.0",
    output: Annotated[Path, typer.Option(help="Folder for NAME.mar.")] = Path("model_store"),
    force: Annotated[bool, typer.Option("--force", help="Replace an archive that is already there.")] = False,
) -> None:
    """Pack a checkpoint into OUTPUT/NAME.mar, proven to give the known answers before it is put there."""
    from .pack import PackOptions, pack_checkpoint  # noqa: PLC0415 - `--help` answers at once

    options = PackOptions(task=task, name=name, version=version, output=output, force=force)
    print(pack_checkpoint(checkpoint, options))


@app.command()
def verify(archive: Annotated[Path, typer.Argument(help="A .mar, or the folder it was unpacked to.")]) -> None:
    """Check every digest of an archive: nothing altered, nothing missing, nothing added, no path outside."""
    from .verify import verify_archive  # noqa: PLC0415

    content = verify_archive(archive)
    print(f"{archive}: {len(content.digests)} members verified, content {content.id}")


@app.command()
def serve(
    archives: Annotated[
        list[Path] | None, typer.Argument(help="Archives or unpacked folders. Default: config.properties' load_models.")
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="TorchServe's settings. Default: ./config.properties, else the installed copy.")
    ] = None,
) -> None:
    """Serve archives with TorchServe, in the foreground, until SIGTERM or Ctrl-C."""
    from .launch import serve_archives  # noqa: PLC0415

    sys.exit(serve_archives(archives or [], config))


@app.command()
def predict(
    texts: Annotated[list[str] | None, typer.Argument(help="Texts. Without any: --file, else standard input.")] = None,
    file: Annotated[Path | None, typer.Option(help="One text a line; - is standard input.")] = None,
    model: Annotated[str, typer.Option(help="Model name.")] = "bert",
    url: Annotated[str, typer.Option(help="The inference address.")] = "http://127.0.0.1:8080",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, also on a terminal.")] = False,
) -> None:
    """Ask a running server: a table on a terminal, JSON lines elsewhere."""
    from .client import Client, read_texts  # noqa: PLC0415
    from .table import render  # noqa: PLC0415

    inputs = read_texts(texts or [], file)
    results = Client(url).predict(model, inputs)
    print(render(inputs, results, as_json=as_json or not sys.stdout.isatty()))
