"""The command line: the app, its groups of commands, and its exit codes. It imports no torch."""

import errno
import importlib
import importlib.util
import sys
from pathlib import Path
from typing import Annotated

import typer

from .. import __version__
from ..console import say
from ..errors import BerthError, UsageError

# The modules that have the commands. berth-client, which only asks servers, has some of them.
GROUPS = ("packing", "serving", "tuning", "asking", "bulk", "managing", "rollout", "keeping")

app = typer.Typer(
    help="Pack a BERT checkpoint into a TorchServe archive, serve it, ask it.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def main() -> None:
    """Run the `berth` command; an error of ours becomes one line on stderr and an exit code."""
    _warn_of_two()
    try:
        app()
    except BerthError as error:
        say(str(error))
        sys.exit(error.exit_code)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        say("nothing more could be written, because the disk is full; what was written before is kept")
        sys.exit(BerthError.exit_code)


def require_own_handler() -> None:
    """End with a sentence where Python finds another `handler` first, as in the folder of a TorchServe project."""
    own = Path(__file__).resolve().parents[2] / "handler" / "__init__.py"
    found = importlib.util.find_spec("handler") if own.is_file() else None  # berth-client has none
    if found and found.origin and Path(found.origin).resolve() != own:
        say(
            f"{found.origin} hides the package `handler`, which is berth's: run `berth` and not `python -m berth` in "
            "its folder, and take that folder out of PYTHONPATH"
        )
        sys.exit(UsageError.exit_code)


def _warn_of_two() -> None:
    """Say where berth and berth-client lie over each other: uninstalling one takes files from the other."""
    site = Path(__file__).parents[2]
    if all(any(site.glob(f"{name}-[0-9]*.dist-info")) for name in ("berth_client", "berth")):
        say(
            f"berth and berth-client are both installed in {site}, and their files are the same: `pip uninstall berth "
            "berth-client`, and install the one that you want"
        )


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


require_own_handler()
for _group in GROUPS:
    if importlib.util.find_spec(f"{__package__}.{_group}"):
        _module = importlib.import_module(f"{__package__}.{_group}")
        for _command, _summary in _module.COMMANDS:
            app.command(short_help=_summary, cls=getattr(_module, "COMMAND_CLASS", None))(_command)
