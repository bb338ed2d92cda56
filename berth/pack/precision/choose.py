"""Which precisions an archive may choose on a CPU: each is asked, in a clean process, and held to its bounds.

What int8 leaves in fp32 is chosen by the known inputs alone. The golden ones and the user's own, which nobody has
looked at before, then decide whether it is proven: nothing is fitted to what it is held to.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import yaml

from handler.config import Task
from handler.precision import Precision, layer_number

from ...archive.content import CHECKPOINT, MODEL_CONFIG
from ...errors import Refused
from ...stored_tensors import stored_tensors
from ..contents import ReferenceAnswers
from ..options import WorkerOptions
from ..proof import Asked, ask_archive
from .bounds import describe, is_within, measure, with_kept

FEWEST_OF_HALVES = 4  # layers; of three a half is less than both ends
NO_LAYERS = "there are no layers that would multiply in it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """A precision, and what came of it."""

    precision: Precision
    kept: tuple[int, ...] = ()
    """Layers that stayed in fp32, in the last of the answers that were measured."""
    measured: float | None
    """How far these were from fp32's (bounds.measure); None where there were none."""
    is_proven: bool
    found: str
    """The measure in words; of what is not proven each that was taken, else why there is none."""
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
        failed, found = NO_LAYERS, list[str]()
        kept: tuple[int, ...] = ()
        measured = None
        for each in choices:
            try:
                asked = self._ask(precision, each)
            except Refused as error:
                failed = str(error).partition("\n")[0].partition(". ")[0]
                continue
            kept, measured = each, self._measure(asked, slice(None))
            found.append(f"{describe(self._task, measured)}{with_kept(kept)}")
            if is_within(self._task, precision, measured):
                return self._prove(precision, kept, measured, asked)
            if is_within(self._task, precision, self._measure(asked, self._known)):
                break
        why = "; ".join(found) or failed
        note = f"{precision} is never used on a CPU: {why}"
        return Tried(precision=precision, kept=kept, measured=measured, is_proven=False, found=why, note=note)

    def _prove(self, precision: Precision, kept: tuple[int, ...], measured: float, asked: Asked) -> Tried:
        found = f"{describe(self._task, measured)}{with_kept(kept)}"
        speed = f"{self._exact.seconds / asked.seconds:.1f} x fp32's speed on this CPU"
        note = f"{precision}, for CPUs that are fast in it: {found}, {speed}"
        return Tried(precision=precision, kept=kept, measured=measured, is_proven=True, found=found, note=note)

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
    """What int8 may leave in fp32, in the order in which it is tried; nothing to choose where there are no layers.

    No layer, the first and the last, two at either end, then one half and the other; always fewer than all. Layers are
    what the weights name: ALBERT has one, which is run again and again.
    """
    named = {layer_number(name) for name in stored_tensors(checkpoint.glob("*.safetensors"))}
    layers = tuple(sorted(number for number in named if number is not None))
    ends = [layers[:count] + layers[-count:] for count in (1, 2)]
    halves = [layers[: len(layers) // 2], layers[len(layers) // 2 :]] if len(layers) >= FEWEST_OF_HALVES else []
    return [kept for kept in ((), *ends, *halves) if len(kept) < len(layers)]


def with_proven(worker: WorkerOptions, tried: Sequence[Tried]) -> WorkerOptions:
    """The options of a worker that may choose what was proven, and that can say what was not."""
    measured = {str(each.precision): each.measured for each in tried if each.is_proven}
    return replace(
        worker,
        cpu_precisions={precision: value for precision, value in measured.items() if value is not None},
        int8_kept=next((each.kept for each in tried if each.is_proven and each.precision is Precision.INT8), ()),
        cpu_refused={str(each.precision): each.found for each in tried if not each.is_proven},
    )
