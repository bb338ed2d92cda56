"""Which precisions are proven, and what int8 leaves in fp32: with answers by hand, and layers by their names."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from berth.errors import Refused
from berth.pack.options import WorkerOptions
from berth.pack.precision.choose import NO_LAYERS, Trial, Tried, choices_of_layers, with_proven
from berth.pack.proof import Asked
from handler.config import Task
from handler.precision import Precision

EXACT, NEAR, FAR = [1.0, 0.0], [1.0, 0.05], [0.0, 1.0]
ENDS, FOUR = (0, 5), (0, 1, 4, 5)
CHOICES = [(), ENDS, FOUR]
Answers = Mapping[tuple[int, ...], list[list[float]]]
"""The answers to one known and one golden input, by the layers that stay in fp32; none where they are refused."""


def try_int8(answers: Answers, choices: Sequence[tuple[int, ...]] = CHOICES) -> tuple[Tried, list[tuple[int, ...]]]:
    """What comes of int8, and what was asked for it."""
    asked: list[tuple[int, ...]] = []

    def ask(precision: Precision, kept: Sequence[int]) -> Asked:
        if precision is not Precision.INT8:
            return Asked(results=[EXACT, EXACT], seconds=2.0)
        asked.append(tuple(kept))
        if tuple(kept) not in answers:
            raise Refused("the difference is 0.31, the tolerance of int8 is 0.15. Pack it again")
        return Asked(results=answers[tuple(kept)], seconds=1.0)

    _, tried = Trial(ask, Task.EMBEDDINGS, 1, choices).try_all()
    return tried, asked


def test_the_first_layers_are_kept_with_which_it_holds() -> None:
    tried, asked = try_int8({(): [FAR, FAR], ENDS: [FAR, NEAR], FOUR: [NEAR, NEAR]})
    assert asked == CHOICES
    assert (tried.kept, tried.is_proven) == (FOUR, True)
    assert tried.found == "least cosine 0.99875 with layers 0, 1, 4 and 5 in fp32"
    assert tried.note == f"int8, for CPUs that are fast in it: {tried.found}, 2.0 x fp32's speed on this CPU"


def test_golden_inputs_decide_and_choose_nothing() -> None:
    tried, asked = try_int8({(): [NEAR, FAR], ENDS: [NEAR, NEAR]})
    assert asked == [()]
    assert (tried.measured, tried.is_proven, tried.found) == (0.0, False, "least cosine 0.00000")


def test_each_that_was_tried_is_told_where_none_holds() -> None:
    tried, _ = try_int8({(): [FAR, FAR], FOUR: [FAR, NEAR]})  # with the ends it gives no answers at all
    assert (tried.kept, tried.measured, tried.is_proven) == (FOUR, 0.0, False)
    assert tried.note == (
        "int8 is never used on a CPU: least cosine 0.00000; least cosine 0.00000 with layers 0, 1, 4 and 5 in fp32"
    )


@pytest.mark.parametrize(
    ("choices", "why"), [(CHOICES, "the difference is 0.31, the tolerance of int8 is 0.15"), ([], NO_LAYERS)]
)
def test_without_answers_there_is_no_measure_but_the_reason(choices: list[tuple[int, ...]], why: str) -> None:
    tried, _ = try_int8({}, choices)
    assert (tried.measured, tried.is_proven) == (None, False)
    assert (tried.found, tried.note) == (why, f"int8 is never used on a CPU: {why}")


def test_what_was_tried_is_recorded() -> None:
    bf16 = Tried(precision=Precision.BF16, measured=0.9995, is_proven=True, found="least cosine 0.99950", note="")
    int8 = Tried(precision=Precision.INT8, kept=ENDS, measured=0.9, is_proven=False, found="too far", note="")
    worker = with_proven(WorkerOptions(), [bf16, int8])
    assert (worker.cpu_precisions, worker.int8_kept) == ({"bf16": 0.9995}, ())
    assert worker.cpu_refused == {"int8": "too far"}


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        (0, []),
        (1, [()]),
        (2, [()]),
        (3, [(), (0, 2)]),
        (4, [(), (0, 3), (0, 1), (2, 3)]),
        (6, [(), (0, 5), (0, 1, 4, 5), (0, 1, 2), (3, 4, 5)]),
    ],
)
def test_layers_that_may_stay_in_fp32(tmp_path: Path, layers: int, expected: list[tuple[int, ...]]) -> None:
    names = ["bert.embeddings.word_embeddings.weight"]
    names += [f"bert.encoder.layer.{number}.output.dense.weight" for number in range(layers)]
    save_file({name: np.zeros(1, np.float32) for name in names}, tmp_path / "model.safetensors")
    assert choices_of_layers(tmp_path) == expected
