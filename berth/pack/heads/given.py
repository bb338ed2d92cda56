"""A checkpoint and the heads that --head gave for its encoder: each is prepared as a whole, and reduced to its own.

The checkpoint's own head answers by default. One without such a head, as after pretraining, gives its encoder alone:
the first head of --head answers by default, and its checkpoint stands in the archive.
"""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from handler.config import Task
from handler.precision import Precision

from ...checkpoint_files import CONFIG, WEIGHTS_INDEX, load_json
from ...checkpoint_files import WEIGHTS as WHOLE_WEIGHTS
from ...convert.convert import converted
from ...convert.folders import ADAPTER_CONFIG
from ...errors import Refused, UsageError
from ...progress import Progress
from ...sources.source import Source, opened
from ...stored_tensors import Stored, stored_tensors, write_safetensors
from ..check.foreign import architecture_of, refuse_foreign
from ..checkpoint import Checkpoint
from ..options import PackOptions
from ..prepare import Prepared, prepare
from ..references import REFERENCES
from .frozen import check_fits, checkpoint_tensors, encoder_prefix, is_of_head, named_alike, own_tensors
from .head import FurtherHead
from .lora import adapted_tensors, adapter_files, is_lora, model_type_of

TASKS = (Task.TEXT_CLASSIFICATION, Task.TOKEN_CLASSIFICATION)
WEIGHTS = "head.safetensors"  # handler.engine.heads.shells


@contextmanager
def prepared_with_heads(source: Source, options: PackOptions, name: str, progress: Progress) -> Iterator[Prepared]:
    """The checkpoint of `source`, to be packed as `name`, with all heads that are given for it.

    Refused where they cannot share an encoder.
    """
    if not options.heads:
        with prepare(source, options.task, progress) as prepared:
            yield prepared
        return
    _check_options(options, name)
    with ExitStack() as stack:
        work = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="berth-heads-")))
        given = GivenHeads(addresses=dict(options.heads), stack=stack, work=work, progress=progress)
        yield given.with_own(source, options.task) if _has_head(source.folder) else given.on_bare(source, options.task)


def _check_options(options: PackOptions, name: str) -> None:
    if options.worker.precision is Precision.FASTEST:
        raise UsageError("--precision fastest is proven for one head: with --head choose auto, fp32, fp16 or bf16")
    if name in dict(options.heads):
        raise UsageError(f"--head {name}: the archive has this name already; choose another, or another --name")


def _has_head(folder: Path) -> bool:
    """Whether a checkpoint classifies texts or tokens by a head of its own."""
    architecture = architecture_of(load_json(folder / CONFIG))
    return any(REFERENCES[task].is_named_by(architecture) for task in TASKS)


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenHeads:
    """The heads of --head, and what is opened for them until the stack ends."""

    addresses: Mapping[str, str]
    stack: ExitStack = field(repr=False)
    work: Path
    """A temporary folder."""
    progress: Progress

    def with_own(self, source: Source, task: Task | None) -> Prepared:
        """A checkpoint whose own head answers by default, with all these behind it."""
        base = self.stack.enter_context(prepare(source, task, self.progress))
        return self._add(base, list(self.addresses))

    def on_bare(self, source: Source, task: Task | None) -> Prepared:
        """The first of these on the encoder of the bare `source`, with the others behind it."""
        first, *others = self.addresses
        folder = self.stack.enter_context(converted(source.folder, self.progress)).folder
        whole = self._prepare(first, task)
        bare = named_alike(stored_tensors(sorted(folder.glob("*.safetensors"))), checkpoint_tensors(whole.checkpoint))
        head = self._reduce(first, whole, bare)
        base = replace(whole, source=source, notes=source.notes, task_reason=f"by --head {first}", other_tasks=())
        if is_lora(whole.source.folder):
            base = replace(base, checkpoint=self._unmerged(whole.checkpoint, bare))
        files = {name: path for name, path in head.members.items() if name not in (CONFIG, WEIGHTS)}
        return self._add(replace(base, first_head=replace(head, members=files)), others)

    def _unmerged(self, merged: Checkpoint, bare: Mapping[str, Stored]) -> Checkpoint:
        """A checkpoint with the encoder of the bare base, and what a LoRA has of its own."""
        folder = self.work / "unmerged"
        folder.mkdir()
        given = checkpoint_tensors(merged)
        prefix = encoder_prefix(given)
        tensors = {name: given[name] if is_of_head(name, prefix) else bare.get(name, given[name]) for name in given}
        write_safetensors(tensors, folder / WHOLE_WEIGHTS)
        small = [name for name in merged.files if not name.endswith((".safetensors", WEIGHTS_INDEX))]
        for name in small:
            (folder / name).symlink_to(merged.root / name)
        return replace(merged, root=folder, files=tuple(sorted((*small, WHOLE_WEIGHTS))))

    def _add(self, base: Prepared, names: list[str]) -> Prepared:
        """Put further heads behind the one that answers by default."""
        task = base.checkpoint.task
        if task not in TASKS:
            raise Refused(f"--head: a model for {task} has one head, and only {' and '.join(TASKS)} have several")
        tensors = checkpoint_tensors(base.checkpoint)
        heads = tuple(self._further(name, base.checkpoint, tensors) for name in names)
        every = [base.first_head, *heads] if base.first_head else heads
        notes = [f"head {head.name} is a LoRA and stays one" for head in every if ADAPTER_CONFIG in head.members]
        return replace(base, heads=heads, notes=(*base.notes, *notes))

    def _further(self, name: str, base: Checkpoint, tensors: Mapping[str, Stored]) -> FurtherHead:
        """A head behind the one that answers by default."""
        whole = self._prepare(name, base.task)
        check_fits(name, base, whole.checkpoint)
        return self._reduce(name, whole, tensors)

    def _reduce(self, name: str, whole: Prepared, tensors: Mapping[str, Stored]) -> FurtherHead:
        """What is a head's own of its checkpoint; Refused where the rest is not that of the base's `tensors`."""
        checkpoint, folder = whole.checkpoint, whole.source.folder
        given, adapted, members = checkpoint_tensors(checkpoint), set[str](), {CONFIG: checkpoint.root / CONFIG}
        if is_lora(folder):
            adapted = adapted_tensors(name, folder, encoder_prefix(given), model_type_of(checkpoint.root))
            members |= adapter_files(folder)
        own = own_tensors(name, tensors, given, adapted)
        members[WEIGHTS] = write_safetensors(own, self.work / f"{name}.safetensors")
        return FurtherHead(name=name, checkpoint=checkpoint, members=members)

    def _prepare(self, name: str, task: Task | None) -> Prepared:
        """A head's checkpoint as a whole; what is refused says whose it is."""
        try:
            source = self.stack.enter_context(opened(self.addresses[name], self.progress, refuse_foreign))
            return self.stack.enter_context(prepare(source, task, self.progress))
        except Refused as refused:
            raise Refused(f"--head {name}: {refused}") from refused
