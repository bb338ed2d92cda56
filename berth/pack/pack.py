"""Checkpoint -> NAME.mar: planned, written, unpacked, proven, and only then moved into place.

Nothing is left behind by an error or Ctrl-C: all work is done in a temporary folder inside the output folder.
"""

import importlib.metadata
import os
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from packaging.requirements import Requirement
from packaging.version import Version

import handler
from handler.precision import Precision

from ..archive.content import ArchivePlan
from ..archive.kept import drafting
from ..archive.signature import load_signer, signature_file
from ..archive.verify import read_archive
from ..archive.write import member_size, write_archive
from ..errors import BerthError, Refused, UsageError
from ..lines import read_golden
from ..progress import Progress, Silence
from ..sources.source import Source, opened
from .check.foreign import refuse_foreign
from .contents import HANDLER_PACKAGES, HandlerSource, ReferenceAnswers, plan_archive
from .heads.given import prepared_with_heads
from .options import PackOptions
from .precision.choose import try_archive, with_proven
from .prepare import Prepared
from .proof import started_proof
from .publish import publish
from .references import count_inputs

USABLE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_\-.]*")  # torch-model-archiver 0.12, model_packaging_utils.py
UNPACKED = "unpacked"
FIRST_DATE = datetime(1980, 1, 1, tzinfo=UTC)  # the first that a zip can name


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """A proven archive, and what only its packing knows."""

    archive: Path
    prepared: Prepared
    engine: str
    """The engine that gave the known answers on this machine's CPU."""
    seconds: float
    signature: Path | None = None


def pack_checkpoint(address: str | Path | None, options: PackOptions, progress: Progress | None = None) -> Packed:
    """Pack a checkpoint, or the sample model, into a proven archive; Refused when it would not serve."""
    progress, began_s = progress or Silence(), time.monotonic()
    own_inputs, signer = _own_inputs(options), load_signer(options.signing_key) if options.signing_key else None
    with opened(None if address is None else str(address), progress, refuse_foreign) as source:
        target = _target(source, options)
        with prepared_with_heads(source, options, target.stem, progress) as prepared, _work_folder(target) as work:
            engine, notes = _pack(prepared, work / target.name, options, own_inputs, progress)
            with _writing(target):
                notes += publish(work / target.name, target, signer)
    signature = signature_file(target) if signer else None
    noted = replace(prepared, notes=(*prepared.notes, *notes))
    seconds = time.monotonic() - began_s
    return Packed(archive=target, prepared=noted, engine=engine, seconds=seconds, signature=signature)


def _own_inputs(options: PackOptions) -> list[object]:
    """The user's own inputs that a faster precision is held to; UsageError where the options do not fit."""
    if options.worker.precision is Precision.INT8:
        raise UsageError("int8 has to be proven: --precision fastest does so, and uses it on CPUs that are fast in it")
    if options.golden_file is None:
        return []
    if options.worker.precision is not Precision.FASTEST:
        raise UsageError("--golden is for --precision fastest: other precisions are not held to texts of your own")
    return read_golden(options.golden_file)


def archive_name(source: Source, options: PackOptions) -> str:
    """The name of the archive and its model; UsageError when TorchServe would not take it, or the version."""
    _check_name("version", options.version)
    return _check_name("name", source.name if options.name is None else options.name)


def _target(source: Source, options: PackOptions) -> Path:
    """Where the archive will lie; Refused when one lies there already."""
    name = archive_name(source, options)
    target = options.output / f"{name}.mar"
    if target.exists() and not options.force:
        raise Refused(f"{target} is already there: replace it with --force, or choose another --name")
    return target


def plan(prepared: Prepared, answers: ReferenceAnswers, name: str, options: PackOptions) -> ArchivePlan:
    """The archive that a checkpoint makes with the handler that is installed here."""
    source = replace(installed_handler(), worker=options.worker, origin=prepared.source.origin)
    first = [prepared.first_head] if prepared.first_head else []
    members = {head.name: head.members for head in (*first, *prepared.heads)}
    names = tuple(members) if first or not members else (name, *members)
    checkpoint = replace(prepared.checkpoint, heads=names, head_files=members)
    return plan_archive(checkpoint, answers, source, name=name, version=options.version)


def _pack(
    prepared: Prepared, draft: Path, options: PackOptions, own_inputs: Sequence[object], progress: Progress
) -> tuple[str, tuple[str, ...]]:
    """Pack into `draft`; the engine that proved it, and sentences on what it leaves out and may choose.

    It is unpacked beside it, to UNPACKED, as a launcher would.
    """
    unpacked = draft.with_name(UNPACKED)
    with started_proof(draft.parent) as prove:
        answers = _ask_transformers(prepared, progress)
        _write(plan(prepared, answers, draft.stem, options), draft, progress, unpacked)
        progress.begin("proving")
        engine, notes = prove(unpacked), answers.left_out
    if options.worker.precision is not Precision.FASTEST:
        return engine, notes
    progress.begin("trying precisions")
    held_to = replace(answers, golden_inputs=(*answers.golden_inputs, *own_inputs))
    with _writing(_place_of(draft)):
        tried = try_archive(unpacked, prepared.checkpoint.task, held_to)
    proven = replace(options, worker=with_proven(options.worker, tried))
    _write(plan(prepared, answers, draft.stem, proven), draft, progress)
    return engine, (*notes, *(each.note for each in tried))


@contextmanager
def _writing(archive: Path) -> Iterator[None]:
    """Name the archive where its folder takes no more, or nothing of this user's; BerthError."""
    try:
        yield
    except OSError as error:
        raise BerthError(f"cannot write {archive}: {error}") from error


def _place_of(draft: Path) -> Path:
    """Where the archive in the temporary folder will lie."""
    return draft.parent.with_name(draft.name)


def _ask_transformers(prepared: Prepared, progress: Progress) -> ReferenceAnswers:
    """The known answers of the checkpoint and of its further heads, each as a whole."""
    advance = progress.begin("asking transformers", (1 + len(prepared.heads)) * count_inputs(prepared.checkpoint))
    from .reference_answers import reference_answers  # noqa: PLC0415 - seconds, while the proof imports too

    whole = prepared.first_head or prepared
    answers = reference_answers(whole.checkpoint, advance)
    of_heads = {head.name: reference_answers(head.checkpoint, advance).answers for head in prepared.heads}
    return replace(answers, heads=of_heads)


@contextmanager
def _work_folder(target: Path) -> Iterator[Path]:
    """A temporary folder beside `target`, so that the finished archive only has to be renamed."""
    with ExitStack() as held:
        with _writing(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            work = held.enter_context(drafting(target.parent, f".packing-{target.stem}-"))
        yield work


def _write(plan: ArchivePlan, draft: Path, progress: Progress, folder: Path | None = None) -> None:
    """Write the archive anew and verify every byte of it; with `folder`, a new one, unpack it in the same read."""
    with _writing(_place_of(draft)):
        size_bytes = sum(member_size(member) for member in plan.members)
        draft.unlink(missing_ok=True)
        write_archive(plan, draft, progress.begin("writing", size_bytes))
        if folder:
            folder.mkdir()
        read_archive(draft, folder, progress.begin("unpacking" if folder else "verifying", size_bytes))


def _check_name(what: str, value: str) -> str:
    """`value`, when TorchServe's tools and addresses take it as the model's name or version."""
    if not USABLE_NAME.fullmatch(value):
        raise UsageError(
            f"the {what} {value!r} cannot be used: it may hold letters, digits, _, - and ., and begins with "
            f"a letter or digit; give another with --{what}"
        )
    return value


def installed_handler() -> HandlerSource:
    """The handler's sources as they are installed, and the packages that they run with."""
    root = Path(handler.__path__[0])
    sources = sorted(root.rglob("*.py"))
    declared = [Requirement(line) for line in importlib.metadata.requires("berth") or ()]
    return HandlerSource(
        handler_files={f"handler/{source.relative_to(root).as_posix()}": source for source in sources},
        versions={name: Version(importlib.metadata.version(name)).public for name in HANDLER_PACKAGES},
        ranges=tuple(f"{item.name}{item.specifier}" for item in declared if item.name in HANDLER_PACKAGES),
        created=_created(os.environ.get("SOURCE_DATE_EPOCH")),
    )


def _created(epoch_s: str | None) -> datetime:
    """The manifest's date: SOURCE_DATE_EPOCH, else a fixed one, so that equal content is equal bytes."""
    if epoch_s is None:
        return FIRST_DATE
    try:
        return datetime.fromtimestamp(int(epoch_s), UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise UsageError(f"SOURCE_DATE_EPOCH is {epoch_s!r}; it is a number of seconds since 1970") from error
