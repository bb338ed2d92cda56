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

from ...checkpoint_files import CONFIG, load_json
from ...convert.convert import converted
from ...errors import Refused, UsageError
from ...progress import Progress
from ...sources.source import Source, opened
from ..check.foreign import architecture_of, refuse_foreign
from ..checkpoint import Checkpoint
from ..options import PackOptions
from ..prepare import Prepared, prepare
from ..references import REFERENCES
from .frozen import check_fits, checkpoint_tensors, own_tensors
from .head import FurtherHead
from .tensors import Stored, stored_tensors, write_safetensors

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
        """The first of these, whose encoder must be that of the bare `source`, with the others behind it."""
        first, *others = self.addresses
        folder = self.stack.enter_context(converted(source.folder, self.progress)).folder
        whole = self._prepare(first, task)
        own_tensors(first, stored_tensors(sorted(folder.glob("*.safetensors"))), checkpoint_tensors(whole.checkpoint))
        base = replace(whole, source=source, first_head=first, task_reason=f"by --head {first}", other_tasks=())
        return self._add(base, others)

    def _add(self, base: Prepared, names: list[str]) -> Prepared:
        """Put further heads behind the one that answers by default."""
        task = base.checkpoint.task
        if task not in TASKS:
            raise Refused(f"--head: a model for {task} has one head, and only {' and '.join(TASKS)} have several")
        tensors = checkpoint_tensors(base.checkpoint)
        heads = [self._reduce(name, base.checkpoint, tensors) for name in names]
        return replace(base, heads=tuple(heads))

    def _reduce(self, name: str, base: Checkpoint, tensors: Mapping[str, Stored]) -> FurtherHead:
        """What is a head's own of its checkpoint; Refused where the rest is not the base's."""
        whole = self._prepare(name, base.task).checkpoint
        check_fits(name, base, whole)
        own = own_tensors(name, tensors, checkpoint_tensors(whole))
        weights = write_safetensors(own, self.work / f"{name}.safetensors")
        return FurtherHead(name=name, checkpoint=whole, members={CONFIG: whole.root / CONFIG, WEIGHTS: weights})

    def _prepare(self, name: str, task: Task | None) -> Prepared:
        """A head's checkpoint as a whole; what is refused says whose it is."""
        try:
            source = self.stack.enter_context(opened(self.addresses[name], self.progress, refuse_foreign))
            return self.stack.enter_context(prepare(source, task, self.progress))
        except Refused as refused:
            raise Refused(f"--head {name}: {refused}") from refused
