"""The faster precisions of a cell: how far they are from transformers, and whether pack would take them.

Pack's own trial decides (`berth/pack/precision`), by its known and golden texts; it asks pipelines of this process
here, and not an archive in a process of its own.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from berth.errors import Refused
from berth.pack.load_checkpoint import load_checkpoint
from berth.pack.options import WorkerOptions
from berth.pack.precision.bounds import describe, with_kept
from berth.pack.precision.choose import Trial, Tried, choices_of_layers, with_proven
from berth.pack.proof import Asked
from berth.pack.reference_answers import reference_answers
from handler.choose_engine import load_pipeline
from handler.config import HandlerConfig, Task
from handler.errors import SelfTestError
from handler.precision import Precision

from .cells import ENVIRONMENT, known_answers, parse, value_of

OWN = ("pooling", "dense", "normalize", "prompts", "default_prompt", "vectors")
"""What a checkpoint says of how it embeds, in the words of its archive."""
FLAGS = frozenset({"avx512_vnni"})
"""Of a CPU with VNNI and without AMX."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Faster:
    """A precision on one cell."""

    distance: float | None
    """The largest from the known answers, which are vectors and logits; None where no answers were measured."""
    tried: Tried
    """What pack makes of the answers."""


class FasterCell:
    """A checkpoint of today's form in `folder`, as `make_cell` makes one, asked in each precision."""

    def __init__(self, folder: Path, task: Task) -> None:
        self._task = task
        self._checkpoint = load_checkpoint(folder, task)
        self._known = known_answers(folder, task)
        self._packs = reference_answers(self._checkpoint)
        self._distances: dict[Precision, float] = {}

    def measure(self) -> list[Faster]:
        """Try all as pack would."""
        trial = Trial(self._ask, self._task, len(self._packs.inputs), choices_of_layers(self._checkpoint.root))
        return [Faster(distance=self._distances.get(each.precision), tried=each) for each in trial.try_all()]

    def _ask(self, precision: Precision, kept: Sequence[int]) -> Asked:
        max_tokens = self._checkpoint.max_tokens
        own: dict[str, Any] = {name: getattr(self._checkpoint, name) for name in OWN}
        config = HandlerConfig(
            task=self._task, max_tokens=max_tokens, precision=precision, int8_kept=tuple(kept), **own
        )
        try:
            pipeline = load_pipeline(self._checkpoint.root, config, ENVIRONMENT, None, self._known)
        except SelfTestError as error:
            raise Refused(str(error)) from error
        self._distances[precision] = pipeline.check(self._known)  # the last that answers is the one that is judged
        inputs = (*self._packs.inputs, *self._packs.golden_inputs)
        began_s = time.perf_counter()
        answers = pipeline.answer([parse((item, dict(self._packs.parameters)), self._task) for item in inputs])
        return Asked(results=list(map(value_of, answers)), seconds=time.perf_counter() - began_s)


def in_words(task: Task, each: Faster) -> str:
    """A precision's column of the page: both distances, or why there are none."""
    tried = each.tried
    if each.distance is None or tried.measured is None:
        return tried.note
    said = describe(task, tried.measured).removeprefix("least ").removeprefix("scores within ")
    return f"{each.distance:.0e}; {said}{with_kept(tried.kept)}{'' if tried.is_proven else ': no'}"


def served(task: Task, found: Sequence[Faster]) -> Precision:
    """What `fastest` runs in on a CPU with FLAGS."""
    worker = with_proven(WorkerOptions(), [each.tried for each in found])
    config = HandlerConfig(task=task, max_tokens=1, precision=Precision.FASTEST, cpu_precisions=worker.cpu_precisions)
    return config.precisions_on("cpu", FLAGS)[0]
