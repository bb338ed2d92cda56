"""`berth pack`, `berth inspect` and `berth verify`."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from handler.config import TOKEN_BUDGETS, Task
from handler.precision import Precision

from ..console import say
from ..errors import BerthError, Refused
from ..pack.options import PackOptions, WorkerOptions
from .options import AsJson, Commands, RequireSignature, wants_json

PACK_DEFAULTS = PackOptions()
DIFFERENT = 1  # as diff(1) says it
TOKEN_BUDGET_HELP = (
    f"Most tokens of a forward pass. Default: {TOKEN_BUDGETS['cpu']} on a CPU, {TOKEN_BUDGETS['cuda']} on a GPU."
)
PRECISION_HELP = (
    "The weights' type. auto: bf16 on a GPU, fp32 on a CPU; fastest: on a CPU int8 or bf16 where it is faster and "
    "proven to answer alike."
)
Heads = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME=FOLDER", help="Another head on this encoder, for each its name and checkpoint."),
]
Sign = Annotated[
    Path | None,
    typer.Option(metavar="KEY", help="A private key (elliptic curve, PEM): write NAME.sig beside NAME.mar."),
]


def pack(
    checkpoint: Annotated[
        str | None,
        typer.Argument(
            help="A folder, a Hub id (org/name[@revision]), a .zip, gs://, s3://. Default: the sample model."
        ),
    ] = None,
    task: Annotated[Task | None, typer.Option(help="Overrides what the checkpoint's own files say.")] = None,
    name: Annotated[str | None, typer.Option(help="Default: the folder's name; the sample is bert.")] = None,
    version: Annotated[str, typer.Option(help="Model version.")] = PACK_DEFAULTS.version,
    output: Annotated[Path, typer.Option(help="Folder for NAME.mar.")] = PACK_DEFAULTS.output,
    head: Heads = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an archive that is already there.")] = False,
    precision: Annotated[
        Precision, typer.Option(envvar="BERTH_PRECISION", help=PRECISION_HELP)
    ] = PACK_DEFAULTS.worker.precision,
    golden: Annotated[
        Path | None, typer.Option(help="fastest: texts that it is held to as well, one a line, or JSON objects.")
    ] = None,
    sign: Sign = None,
    token_budget: Annotated[int | None, typer.Option(min=1, help=TOKEN_BUDGET_HELP)] = None,
    batch_size: Annotated[
        int, typer.Option(min=1, help="Most requests that a worker takes at once.")
    ] = PACK_DEFAULTS.worker.batch_size,
) -> None:
    """Pack a checkpoint into OUTPUT/NAME.mar, proven to give the known answers before it is put there."""
    worker = WorkerOptions(precision=precision, token_budget=token_budget, batch_size=batch_size)
    options = PackOptions(
        task=task,
        name=name,
        version=version,
        output=output,
        force=force,
        golden_file=golden,
        signing_key=sign,
        worker=worker,
    )
    _pack(checkpoint, options, head or ())


def _pack(checkpoint: str | None, options: PackOptions, heads: Sequence[str]) -> None:
    """Pack with these heads, each NAME=ADDRESS, and print the archive's path."""
    from ..pack.heads.head import parse_heads  # noqa: PLC0415 - `--help` answers at once
    from ..pack.pack import pack_checkpoint  # noqa: PLC0415
    from .bars import show_progress  # noqa: PLC0415
    from .summary import render_packed  # noqa: PLC0415

    options = replace(options, heads=parse_heads(heads))
    with show_progress() as progress:
        packed = pack_checkpoint(checkpoint, options, progress)
    say(render_packed(packed))
    print(packed.archive)


def inspect(
    address: Annotated[str, typer.Argument(help="A .mar, the folder it was unpacked to, or a checkpoint.")],
    task: Annotated[Task | None, typer.Option(help="Of a checkpoint: as `berth pack --task`.")] = None,
    sbom: Annotated[
        bool, typer.Option("--sbom", help="Of an archive: a CycloneDX bill of materials, with what serves it here.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show what an archive is, or what `berth pack` would make of a checkpoint; nothing is written or run."""
    from ..inspection.inspect import inspect as look_into  # noqa: PLC0415
    from .bars import show_progress  # noqa: PLC0415
    from .summary import render_inspection  # noqa: PLC0415

    if sbom:
        from ..inspection.sbom import write_sbom  # noqa: PLC0415

        print(write_sbom(Path(address)))
        return

    with show_progress() as progress:
        inspection = look_into(address, PackOptions(task=task), progress)
    print(render_inspection(inspection, as_json=as_json))


def verify(
    archives: Annotated[list[Path], typer.Argument(help="Each a .mar, or the folder it was unpacked to.")],
    require_signature: RequireSignature = None,
) -> None:
    """Check every digest of archives: nothing altered, nothing missing, nothing added, no path outside.

    With --require-signature that this key has signed them too, as NAME.sig beside each says. One line each: a good one
    on standard output, any other on stderr. The exit code is that of the worst.
    """
    worst = 0
    for archive in archives:
        try:
            print(_verify(archive, require_signature))
        except BerthError as error:
            say(str(error))
            worst = max(worst, error.exit_code)
    if worst:
        raise typer.Exit(worst)


def _verify(archive: Path, key: Path | None) -> str:
    """What is to be said of an archive that is as it should be."""
    from ..archive.signature import require_signed, signature_file  # noqa: PLC0415 - `--help` answers at once
    from ..archive.verify import verify_archive  # noqa: PLC0415

    signed = require_signed(archive, key) if key else None
    content = verify_archive(archive)
    if signed not in (None, content.id):
        raise Refused(f"{archive} was replaced while it was read: start again")
    by = f", signed by {key}: {signature_file(archive)}" if key else ""
    return f"{archive}: {len(content.digests)} members verified, content {content.id}{by}"


def diff(
    first: Annotated[Path, typer.Argument(help="A .mar, or the folder it was unpacked to.")],
    second: Annotated[Path, typer.Argument(help="Another.")],
    as_json: AsJson = False,
) -> None:
    """Show what differs between two archives: members, and what the model is. Both are verified first.

    Exit code 0 where they hold the same, 1 where they differ, 4 where one is not an archive.
    """
    from ..inspection.difference import compare  # noqa: PLC0415 - `--help` answers at once
    from .summary import render_difference  # noqa: PLC0415

    difference = compare(first, second)
    print(render_difference(difference, as_json=wants_json(as_json)))
    if not difference.is_same:
        raise typer.Exit(DIFFERENT)


COMMANDS: Commands = (
    (pack, "Pack a checkpoint into an archive that is proven to answer right."),
    (inspect, "Show what an archive is, or what a checkpoint would become."),
    (verify, "Check every byte of an archive against its list of digests."),
    (diff, "Show what differs between two archives."),
)
