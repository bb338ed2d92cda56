"""Heads are given all readings of a forward pass that were asked for alike, and an error is of one of them only."""

import math
from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import msgspec
import numpy as np
import pytest
import torch

from handler.config import HandlerConfig, Task
from handler.engine.forward import WIDE, are_finite
from handler.engine.model import Engine
from handler.errors import InternalError, InvalidParameter
from handler.parameters import Parameters
from handler.payload import Prediction, Rejected, Request
from handler.pipeline import Pipeline
from handler.tasks.fill_mask import FillMaskParameters
from handler.tasks.kind import Head, Reading
from handler.tasks.text_classification import ClassificationParameters
from handler.worker.metrics import Stopwatch
from tests.conftest import MakeCheckpoint
from tests.support.asking import ask, value_of
from tests.support.texts import mixed_texts

WAYS: list[dict[str, Any]] = [
    {},
    {"top_k": None},
    {"top_k": 2},
    {"function_to_apply": "sigmoid"},
    {"function_to_apply": "none"},
    {"threshold": 0.3},
    {"threshold": {"negative": 0.9}, "top_k": 1},
]


def load(checkpoint: MakeCheckpoint, task: Task) -> Any:
    return Pipeline(
        checkpoint("bert", task),
        HandlerConfig(task=task, max_tokens=512, token_budget=10**5),
        torch.device("cpu"),
        Engine.PACKED,
    )


def ask_all(texts: Sequence[str], parameters: Parameters) -> list[Request]:
    return [ask(text, parameters) for text in texts]


def put_head(pipeline: Any, monkeypatch: pytest.MonkeyPatch, head: Head[Any]) -> None:
    """Have this head answer in the place of the checkpoint's own."""
    own = replace(pipeline._heads.default, head=head)
    monkeypatch.setattr(pipeline, "_heads", replace(pipeline._heads, default=own))


def count_readings(pipeline: Any, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list that will hold how many readings each call of the head is given."""
    head, counts = pipeline._heads.default.head, []

    def counted(readings: Sequence[Reading], parameters: Parameters) -> Any:
        counts.append(len(readings))
        return head(readings, parameters)

    put_head(pipeline, monkeypatch, counted)
    return counts


def test_neighbours_with_other_parameters_get_what_they_asked_for(
    checkpoint: MakeCheckpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline = load(checkpoint, Task.TEXT_CLASSIFICATION)
    requests = [
        request
        for seed, way in enumerate(WAYS)
        for request in ask_all(mixed_texts(7, seed)[1:], msgspec.convert(way, ClassificationParameters))
    ]
    alone = [value_of(pipeline.answer([request])[0]) for request in requests]
    counts = count_readings(pipeline, monkeypatch)
    together = [value_of(answer) for answer in pipeline.answer(requests)]
    assert counts == [6] * len(WAYS)
    assert len({type(value) for value in together}) == 2
    for one, other in zip(together, alone, strict=True):
        ranked, expected = ([each] if isinstance(each, dict) else each for each in (one, other))
        assert [item["label"] for item in ranked] == [item["label"] for item in expected]
        np.testing.assert_allclose([item["score"] for item in ranked], [item["score"] for item in expected], atol=1e-6)


def test_an_input_that_a_head_refuses_leaves_its_neighbours_their_answers(checkpoint: MakeCheckpoint) -> None:
    pipeline = load(checkpoint, Task.FILL_MASK)
    parameters = FillMaskParameters(top_k=50)
    first, refused, last = pipeline.answer(ask_all(["a [MASK]", "[MASK] " * 9, "the [MASK]"], parameters))
    assert [len(value_of(answer)) for answer in (first, last)] == [50, 50]
    assert isinstance(refused, Rejected)
    assert isinstance(refused.error, InvalidParameter)


def test_a_head_that_fails_on_one_of_several_is_tried_on_each_alone(
    checkpoint: MakeCheckpoint, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    pipeline = load(checkpoint, Task.TEXT_CLASSIFICATION)
    head = pipeline._heads.default.head

    def fails_on_the_guilty(readings: Sequence[Reading], parameters: Parameters) -> Any:
        if any(reading.source.text == "guilty" for reading in readings):
            raise ZeroDivisionError("a mistake of our own")
        return head(readings, parameters)

    put_head(pipeline, monkeypatch, fails_on_the_guilty)
    texts = ["one", "guilty", "two"]
    first, guilty, last = pipeline.answer(ask_all(texts, ClassificationParameters()))
    assert [type(value_of(answer)) for answer in (first, last)] == [dict, dict]
    assert isinstance(guilty, Rejected)
    assert isinstance(guilty.error, InternalError)
    (record,) = caplog.records
    assert record.exc_info
    assert isinstance(record.exc_info[1], ZeroDivisionError)


def test_an_output_that_overflows_is_the_error_of_its_text_only(
    checkpoint: MakeCheckpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline = load(checkpoint, Task.TEXT_CLASSIFICATION)
    forward = pipeline._model.forward

    def overflow(batch: Any) -> Any:  # the one seam: weights that overflow on one text only are not to be had
        rows = forward(batch)
        rows[1] = np.full_like(rows[1], np.inf)
        return rows

    monkeypatch.setattr(pipeline._model, "forward", overflow)
    first, broken, last = pipeline.answer(ask_all(["one", "two", "three"], ClassificationParameters()))
    assert all("score" in value_of(answer) for answer in (first, last))
    assert isinstance(broken, Rejected)
    assert "not finite" in broken.error.message


def test_rows_of_a_vocabulary_are_looked_at_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Laid together, a pass's sparse vectors would lie in memory twice: 64 MiB on a CPU, four times that on a GPU."""
    monkeypatch.setattr(np, "concatenate", lambda *_: pytest.fail("rows are laid together"))
    rows = [np.zeros(WIDE + 1, np.float32) for _ in range(3)]
    rows[1][-1] = np.nan
    assert are_finite(rows) == [True, False, True]


def test_no_answer_is_begun_after_the_deadline(checkpoint: MakeCheckpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers of thousands of words take their time too."""
    pipeline = load(checkpoint, Task.FILL_MASK)
    requests = ask_all(["a [MASK]", "the [MASK]", "of [MASK]"], FillMaskParameters())
    inputs = [pending for group in pipeline._prepare(requests, math.inf) for pending in group]
    now_s = iter([0.0, 0.0, math.inf])
    monkeypatch.setattr("handler.pipeline.time", SimpleNamespace(monotonic=lambda: next(now_s)))
    pipeline._compute(inputs, 1e12, Stopwatch())
    assert [type(pending.outcome) for pending in inputs] == [Prediction, Prediction, type(None)]
