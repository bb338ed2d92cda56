"""Which precisions an archive may choose on a CPU: each is asked, in a clean process, and held to its bounds.

What int8 leaves in fp32 is chosen by the known inputs alone. The golden ones and the user's own, which nobody has
looked at before, then decide whether it is proven: nothing is fitted to what it is held to.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import yaml

from handler.config import Task
from handler.precision import Precision
from handler.vectors.static import STATIC

from ...archive.content import CHECKPOINT, MODEL_CONFIG
from ...checkpoint_files import CONFIG, load_json
from ...errors import Refused
from ..contents import ReferenceAnswers
from ..options import WorkerOptions
from ..proof import Asked, ask_archive
from .bounds import describe, is_within, measure

NAMES_OF_LAYERS = ("num_hidden_layers", "n_layers", "num_layers")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """A precision, and what came of it."""

    precision: Precision
    kept: tuple[int, ...] = ()
    """Layers that stayed in fp32."""
    measured: float
    is_proven: bool
    note: str
    """It in a sentence."""


Ask = Callable[[Precision, Sequence[int]], Asked]
"""A precision, and the layers that int8 leaves in fp32 -> results, those for the known inputs first; or Refused."""


class Trial:
    """What an archive answers in each precision, beside what it answers in fp32."""

    def __init__(self, ask: Ask, task: Task, num_known: int, choices: Sequence[tuple[int, ...]]) -> None:
        self._ask, self._task, self._known, self._choices = ask, task, slice(num_known), choices
        self._exact = ask(Precision.FP32, ())

    def try_all(self) -> list[Tried]:
        """Try bf16, and int8 with the first of the choices of layers that holds."""
        return [self._try(Precision.BF16, [()]), self._try(Precision.INT8, self._choices)]

    def _try(self, precision: Precision, choices: Sequence[tuple[int, ...]]) -> Tried:
        """Take the first choice of layers that holds for the known inputs, and see whether it holds for all."""
        failed = "there are no layers that would multiply in it"
        for kept in choices:
            try:
                asked = self._ask(precision, kept)
            except Refused as error:
                failed = str(error)
                continue
            if kept == choices[-1] or is_within(self._task, precision, self._measure(asked, self._known)):
                return self._judge(precision, kept, asked)
        return Tried(precision=precision, measured=0.0, is_proven=False, note=f"{precision} is never used: {failed}")

    def _judge(self, precision: Precision, kept: tuple[int, ...], asked: Asked) -> Tried:
        measured = self._measure(asked, slice(None))
        is_proven = is_within(self._task, precision, measured)
        but = f" but for layers {' and '.join(map(str, kept))}" if kept else ""
        verdict = "for CPUs that are fast in it" if is_proven else "out of bounds, so it is never used"
        speed = f"{self._exact.seconds / asked.seconds:.1f} x fp32's speed on this CPU"
        note = f"{precision}{but}, {verdict}: {describe(self._task, measured)}, {speed}"
        return Tried(precision=precision, kept=kept, measured=measured, is_proven=is_proven, note=note)

    def _measure(self, asked: Asked, which: slice) -> float:
        return measure(self._task, self._exact.results[which], asked.results[which])


def try_archive(folder: Path, task: Task, answers: ReferenceAnswers) -> list[Tried]:
    """Try the archive that was unpacked to `folder`, whose settings are rewritten for each question."""

    def ask(precision: Precision, kept: Sequence[int]) -> Asked:
        file = folder / MODEL_CONFIG
        settings = yaml.safe_load(file.read_text("utf-8"))
        settings["handler"] |= {"precision": str(precision), "int8_kept": list(kept)}
        file.write_text(yaml.safe_dump(settings, sort_keys=False), "utf-8")
        return ask_archive(folder, (*answers.inputs, *answers.golden_inputs), answers.parameters)

    return Trial(ask, task, len(answers.inputs), choices_of_layers(folder / CHECKPOINT)).try_all()


def choices_of_layers(checkpoint: Path) -> list[tuple[int, ...]]:
    """What int8 may leave in fp32: no layer of the checkpoint, else the first and the last; no choice for a table."""
    shape = load_json(checkpoint / CONFIG)
    if shape.get("model_type") == STATIC:
        return []
    last = next((int(str(shape[name])) - 1 for name in NAMES_OF_LAYERS if name in shape), 0)
    return [(), (0, last)] if last > 1 else [()]


def with_proven(worker: WorkerOptions, tried: Sequence[Tried]) -> WorkerOptions:
    """The options of a worker that may choose what was proven."""
    proven = {each.precision: each for each in tried if each.is_proven}
    return replace(
        worker,
        cpu_precisions={str(precision): each.measured for precision, each in proven.items()},
        int8_kept=proven[Precision.INT8].kept if Precision.INT8 in proven else (),
    )
