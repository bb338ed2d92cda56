"""`berth serve` and `berth budget`."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..archive.content import SERVER_SETTINGS
from ..clients.worker_count import MAX_WORKERS
from ..console import say
from ..errors import BerthError
from ..process.log_style import FORMAT_VARIABLE, LEVEL_VARIABLE, LogFormat, LogLevel, LogStyle, written_as
from .options import AsJson, Commands, Config, Memory, RequireSignature, wants_json

if TYPE_CHECKING:
    from ..machine.machine import Machine
    from ..memory.fit import MemoryPlan
    from ..settings import Settings

DRAIN_S = float(SERVER_SETTINGS["responseTimeout"])  # no batch that has begun takes longer
NoKeys = Annotated[
    bool,
    typer.Option("--no-keys", envvar="BERTH_NO_KEYS", help="Let whoever reaches the address ask, without API keys."),
]
Watch = Annotated[
    Path | None,
    typer.Option(
        metavar="FOLDER", exists=True, file_okay=False, help="Roll out the archives that appear in this folder."
    ),
]


def serve(
    archives: Annotated[
        list[Path] | None, typer.Argument(help="Archives or unpacked folders. Default: config.properties' load_models.")
    ] = None,
    config: Config = None,
    memory: Memory = None,
    drain_seconds: Annotated[
        float, typer.Option(min=0, help="How long, after SIGTERM, requests that were accepted may take to be answered.")
    ] = DRAIN_S,
    no_keys: NoKeys = False,
    require_signature: RequireSignature = None,
    watch: Watch = None,
    log_level: Annotated[
        LogLevel, typer.Option(envvar=LEVEL_VARIABLE, help="Which lines are written: this level's and worse ones.")
    ] = LogLevel.INFO,
    log_format: Annotated[
        LogFormat,
        typer.Option(envvar=FORMAT_VARIABLE, help="json: one object a line, and from info on one for each request."),
    ] = LogFormat.TEXT,
) -> None:
    """Serve archives with TorchServe, in the foreground, until SIGTERM or Ctrl-C.

    Ports are in config.properties; TS_INFERENCE_ADDRESS=http://127.0.0.1:9080 moves one, and so does TS_ with any other
    of its keys. An address that other machines reach needs API keys, in the file that BERTH_API_KEYS_FILE names, or
    --no-keys.
    """
    from ..serve.access import Wish  # noqa: PLC0415
    from ..serve.start import serve_archives  # noqa: PLC0415

    wish = Wish(no_keys=no_keys, signed_by=require_signature, watched=watch)
    with written_as(LogStyle(level=log_level, format=log_format)):
        try:
            code = serve_archives(archives or [], config, memory, drain_seconds, wish)
        except BerthError as error:  # said before the log ends
            say(str(error))
            code = error.exit_code
    sys.exit(code)


def budget(
    archives: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Archives or unpacked folders; nothing is unpacked. Default: config.properties' load_models."
        ),
    ] = None,
    memory: Memory = None,
    workers: Annotated[
        int | None, typer.Option(min=1, max=MAX_WORKERS, help="Of each model. Default: as the server would start.")
    ] = None,
    gpus: Annotated[int | None, typer.Option(min=0, help="Default: this machine's.")] = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Show how much memory a server of these archives takes at the most, part by part; exit code 4 if it does not fit.

    It says what `berth serve` would say with the same options; --memory, --gpus and --workers describe another server.

    \b
    berth budget model_store/bert.mar --memory 2Gi --workers 2
    """
    from ..machine.gpu import why_unused  # noqa: PLC0415
    from ..machine.machine import read_machine  # noqa: PLC0415
    from ..settings import Settings, find_config  # noqa: PLC0415
    from .budget_table import render_budget  # noqa: PLC0415

    settings = Settings.load(find_config(config), os.environ)
    chosen = settings.choose_archives(archives or [])
    plan = _plan(chosen, settings, read_machine(os.environ, memory, gpus), workers)
    print(render_budget(plan, as_json=wants_json(as_json)))
    unused = None if gpus is not None or plan.machine.num_gpus else why_unused(os.environ)
    if unused:
        say(f"this machine's GPU is not counted: {unused}")
    plan.require_fit()


def _plan(archives: Sequence[Path], settings: "Settings", machine: "Machine", workers: int | None) -> "MemoryPlan":
    """Plan with what `berth tune` found for these archives, as `berth serve` does, and say so."""
    from ..memory.plan import plan_memory  # noqa: PLC0415
    from ..tune.tuning import find_tuning  # noqa: PLC0415

    split, line = find_tuning(archives, settings, machine, workers or 0)
    if line:
        say(line)
    return plan_memory(archives, settings, machine, workers, split)


COMMANDS: Commands = (
    (serve, "Serve archives in the foreground, until SIGTERM or Ctrl-C."),
    (budget, "Show how much memory a server takes, and whether it fits."),
)
