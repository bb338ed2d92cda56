"""The command line: options and dispatch. It prints and exits; it imports no torch."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from handler.config import TOKEN_BUDGETS, Precision, Task

from .. import __version__
from ..archive.content import SERVER_SETTINGS
from ..clients.worker_count import MAX_WORKERS, require_sensible
from ..console import say
from ..errors import BerthError
from ..pack.options import PackOptions, WorkerOptions
from ..sources.sample import SAMPLE_NAME

app = typer.Typer(
    help="Pack a BERT checkpoint into a TorchServe archive, serve it, ask it.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

ManagementUrl = Annotated[str, typer.Option("--url", help="The management address.")]
Model = Annotated[str, typer.Argument(help="Its name; `berth models` lists them.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, also on a terminal.")]
DRAIN_S = float(SERVER_SETTINGS["responseTimeout"])  # no batch that has begun takes longer
Config = Annotated[
    Path | None, typer.Option(help="TorchServe's settings. Default: ./config.properties, else the installed copy.")
]
Memory = Annotated[
    str | None, typer.Option(metavar="2Gi", help="How much it may take. Default: what the container or machine grants.")
]
MANAGEMENT_URL = "http://127.0.0.1:8081"
PACK_DEFAULTS = PackOptions()
TOKEN_BUDGET_HELP = (
    f"Most tokens of a forward pass. Default: {TOKEN_BUDGETS['cpu']} on a CPU, {TOKEN_BUDGETS['cuda']} on a GPU."
)


def main() -> None:
    """Run the `berth` command; an error of ours becomes one line on stderr and an exit code."""
    try:
        app()
    except BerthError as error:
        say(str(error))
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
        str | None, typer.Argument(help="A local Hugging Face folder. Without it: the sample model.")
    ] = None,
    task: Annotated[Task | None, typer.Option(help="Overrides what the checkpoint's own files say.")] = None,
    name: Annotated[str | None, typer.Option(help="Default: the folder's name; the sample is bert.")] = None,
    version: Annotated[str, typer.Option(help="Model version.")] = PACK_DEFAULTS.version,
    output: Annotated[Path, typer.Option(help="Folder for NAME.mar.")] = PACK_DEFAULTS.output,
    force: Annotated[bool, typer.Option("--force", help="Replace an archive that is already there.")] = False,
    precision: Annotated[
        Precision, typer.Option(help="The weights' type. auto: bf16 on a GPU, fp32 on a CPU.")
    ] = PACK_DEFAULTS.worker.precision,
    token_budget: Annotated[int | None, typer.Option(min=1, help=TOKEN_BUDGET_HELP)] = None,
    batch_size: Annotated[
        int, typer.Option(min=1, help="Most requests that a worker takes at once.")
    ] = PACK_DEFAULTS.worker.batch_size,
) -> None:
    """Pack a checkpoint into OUTPUT/NAME.mar, proven to give the known answers before it is put there."""
    from ..pack.pack import pack_checkpoint  # noqa: PLC0415 - `--help` answers at once
    from .bars import show_progress  # noqa: PLC0415
    from .summary import render_packed  # noqa: PLC0415

    worker = WorkerOptions(precision=precision, token_budget=token_budget, batch_size=batch_size)
    options = PackOptions(task=task, name=name, version=version, output=output, force=force, worker=worker)
    with show_progress() as progress:
        packed = pack_checkpoint(checkpoint, options, progress)
    say(render_packed(packed))
    print(packed.archive)


@app.command()
def inspect(
    address: Annotated[str, typer.Argument(help="A .mar, the folder it was unpacked to, or a checkpoint.")],
    task: Annotated[Task | None, typer.Option(help="Of a checkpoint: as `berth pack --task`.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show what an archive is, or what `berth pack` would make of a checkpoint; nothing is written or run."""
    from ..inspection.inspect import inspect as look_into  # noqa: PLC0415
    from .bars import show_progress  # noqa: PLC0415
    from .summary import render_inspection  # noqa: PLC0415

    with show_progress() as progress:
        inspection = look_into(address, PackOptions(task=task), progress)
    print(render_inspection(inspection, as_json=as_json))


@app.command()
def verify(archive: Annotated[Path, typer.Argument(help="A .mar, or the folder it was unpacked to.")]) -> None:
    """Check every digest of an archive: nothing altered, nothing missing, nothing added, no path outside."""
    from ..archive.verify import verify_archive  # noqa: PLC0415

    content = verify_archive(archive)
    print(f"{archive}: {len(content.digests)} members verified, content {content.id}")


@app.command()
def serve(
    archives: Annotated[
        list[Path] | None, typer.Argument(help="Archives or unpacked folders. Default: config.properties' load_models.")
    ] = None,
    config: Config = None,
    memory: Memory = None,
    drain_seconds: Annotated[
        float, typer.Option(min=0, help="How long, after SIGTERM, requests that were accepted may take to be answered.")
    ] = DRAIN_S,
) -> None:
    """Serve archives with TorchServe, in the foreground, until SIGTERM or Ctrl-C."""
    from ..serve.start import serve_archives  # noqa: PLC0415

    sys.exit(serve_archives(archives or [], config, memory, drain_seconds))


@app.command()
def budget(
    archives: Annotated[list[Path], typer.Argument(help="Archives or unpacked folders; nothing is unpacked.")],
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
    from ..machine.machine import read_machine  # noqa: PLC0415
    from ..memory.plan import plan_memory  # noqa: PLC0415
    from ..settings import Settings, find_config  # noqa: PLC0415
    from .tables import render_budget  # noqa: PLC0415

    settings = Settings.load(find_config(config), os.environ)
    plan = plan_memory(archives, settings, read_machine(os.environ, memory, gpus), workers)
    print(render_budget(plan, as_json=_wants_json(as_json)))
    plan.require_fit()


@app.command()
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
    print(render(inputs, results, as_json=_wants_json(as_json)))


@app.command()
def models(url: ManagementUrl = MANAGEMENT_URL, as_json: AsJson = False) -> None:
    """List the models of a running server: a table on a terminal, JSON lines elsewhere."""
    from ..clients.management import ManagementClient  # noqa: PLC0415
    from .tables import render_models  # noqa: PLC0415

    with ManagementClient(url) as management:
        states = [management.describe(name) for name in management.models()]
    print(render_models(states, as_json=_wants_json(as_json)))


@app.command()
def describe(model: Model, url: ManagementUrl = MANAGEMENT_URL, as_json: AsJson = False) -> None:
    """Show a model of a running server: its workers, its queue, and what its handler says of itself."""
    from ..clients.management import ManagementClient  # noqa: PLC0415
    from .tables import render_state  # noqa: PLC0415

    handler = None
    with ManagementClient(url) as management:
        state = management.describe(model)
        try:
            handler = management.describe_handler(model)
        except BerthError as error:
            say(f"without what the handler says of itself: {error}")
    print(render_state(state, handler, as_json=_wants_json(as_json)))


@app.command()
def scale(
    model: Model,
    workers: Annotated[int, typer.Option(help=f"How many processes hold the model, 1 to {MAX_WORKERS}.")],
    url: ManagementUrl = MANAGEMENT_URL,
    as_json: AsJson = False,
) -> None:
    """Change how many workers a model has, and wait until they are READY; refused where memory does not hold them.

    Workers that are taken away end at once: a request in their hands gets 500.
    """
    from ..clients.management import ManagementClient  # noqa: PLC0415
    from ..health.probe import fetch_capacity  # noqa: PLC0415
    from .bars import show_progress  # noqa: PLC0415
    from .scale import NOT_CHECKED, NOT_KEPT, require_room, scale_model  # noqa: PLC0415
    from .tables import render_models  # noqa: PLC0415

    require_sensible(workers)
    if not require_room(url, model, workers, fetch_capacity(os.environ)):
        say(NOT_CHECKED)
    with ManagementClient(url) as management, show_progress() as progress:
        state = scale_model(management, model, workers, progress)
    say(f"workers of {model}: {workers}, READY; {NOT_KEPT}")
    print(render_models([state], as_json=_wants_json(as_json)))


def _wants_json(as_json: bool) -> bool:
    return as_json or not sys.stdout.isatty()
