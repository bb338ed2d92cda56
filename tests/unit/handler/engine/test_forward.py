"""Memory that runs out, injected where the model is called: the answers are those of a device that is large enough."""

import logging
import weakref
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from handler.config import HandlerConfig, Task
from handler.engine.model import OF_TRANSFORMERS, Engine
from handler.engine.token_budget import DOUBLES_EVERY_S
from handler.errors import OutOfMemory
from handler.parameters import ExplanationParameters
from handler.payload import Answer, Rejected, Request
from handler.pipeline import Pipeline
from handler.tasks.embeddings import EmbeddingParameters
from handler.tasks.text_classification import ClassificationParameters
from handler.worker.metrics import OUT_OF_MEMORY_TOTAL, Stopwatch
from tests.conftest import MakeCheckpoint
from tests.support.asking import ask, value_of
from tests.support.texts import mixed_texts

TOLERANCE = 1e-6
MAX_TOKENS = 512
LIMIT = 4096


class SmallDevice:
    """A model on a device with room for some tokens, padding included; it raises as CUDA's allocator does."""

    def __init__(self, forward: Callable[[Any], Any], capacity: int) -> None:
        self._forward = forward
        self._capacity = capacity
        self._activations: weakref.ref[torch.Tensor] = weakref.ref(torch.empty(0))
        self.num_failures = 0
        self.seen: list[int] = []

    def __call__(self, batch: Any) -> Any:
        assert self._activations() is None, "what a failed forward pass took is not free at the next"
        size = batch.ids.numel() if hasattr(batch, "ids") else batch.num_tokens
        self.seen.append(size)
        activations = torch.empty(size)
        self._activations = weakref.ref(activations)
        if size > self._capacity:
            self.num_failures += 1
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.")
        return self._forward(batch)


def load(checkpoint: MakeCheckpoint, engine: Engine, task: Task = Task.EMBEDDINGS) -> Any:
    config = HandlerConfig(task=task, max_tokens=MAX_TOKENS, token_budget=LIMIT)
    return Pipeline(checkpoint("bert", task), config, torch.device("cpu"), engine)


def shrink_device(pipeline: Any, monkeypatch: pytest.MonkeyPatch, capacity: int) -> SmallDevice:
    device = SmallDevice(pipeline._model.forward, capacity)
    monkeypatch.setattr(pipeline._model, "forward", device)
    return device


def requests_for(texts: list[str]) -> list[Request]:
    return [ask(text, EmbeddingParameters()) for text in texts]


def assert_equal(answers: list[Answer], expected: list[Answer]) -> None:
    for answer, other in zip(answers, expected, strict=True):
        np.testing.assert_allclose(value_of(answer), value_of(other), rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("engine", OF_TRANSFORMERS)
def test_answers_are_those_of_a_large_device(
    checkpoint: MakeCheckpoint, engine: Engine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    pipeline = load(checkpoint, engine)
    requests = requests_for(mixed_texts(60))
    expected = pipeline.answer(requests)
    device = shrink_device(pipeline, monkeypatch, LIMIT // 4 - 1)
    stopwatch = Stopwatch()
    with caplog.at_level(logging.WARNING):
        assert_equal(pipeline.answer(requests, stopwatch=stopwatch), expected)
    assert stopwatch.counts == {OUT_OF_MEMORY_TOTAL: device.num_failures}
    assert device.num_failures in (2, 3)  # 4096 or less -> 2048 or less -> 1024 or less -> fits
    assert LIMIT // 16 < pipeline.describe()["token_budget"] < LIMIT // 4
    assert "Tried to allocate 20.00 GiB" in caplog.text
    failures = device.num_failures
    assert_equal(pipeline.answer(requests), expected)
    assert device.num_failures == failures  # the budget that fits is kept for the next batch


def test_budget_comes_back_by_itself(checkpoint: MakeCheckpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline = load(checkpoint, Engine.PACKED)
    requests = requests_for(mixed_texts(60))
    device = shrink_device(pipeline, monkeypatch, LIMIT // 4)
    pipeline.answer(requests)
    shrunk = pipeline.describe()["token_budget"]
    assert shrunk <= LIMIT // 4
    pipeline._forward._budget._shrunk_at_s -= DOUBLES_EVERY_S
    assert pipeline.describe()["token_budget"] == 2 * shrunk
    pipeline._forward._budget._shrunk_at_s -= 10 * DOUBLES_EVERY_S
    assert pipeline.describe()["token_budget"] == LIMIT
    device._capacity = LIMIT
    device.seen.clear()
    pipeline.answer(requests)
    assert max(device.seen) > LIMIT // 2


@pytest.mark.parametrize("engine", OF_TRANSFORMERS)
def test_only_the_text_that_does_not_fit_alone_is_refused(
    checkpoint: MakeCheckpoint, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline = load(checkpoint, engine)
    texts = ["a small one", "giant " * 600, "another", "the last " * 10]
    expected = pipeline.answer(requests_for(texts))
    device = shrink_device(pipeline, monkeypatch, MAX_TOKENS - 1)
    stopwatch = Stopwatch()
    first, giant, *others = pipeline.answer(requests_for(texts), stopwatch=stopwatch)
    assert_equal([first, *others], [expected[0], *expected[2:]])
    assert isinstance(giant, Rejected)
    assert isinstance(giant.error, OutOfMemory)
    assert stopwatch.counts[OUT_OF_MEMORY_TOTAL] == device.num_failures


def test_a_text_that_is_too_large_alone_shrinks_nothing(
    checkpoint: MakeCheckpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline = load(checkpoint, Engine.PACKED)
    device = shrink_device(pipeline, monkeypatch, MAX_TOKENS - 1)
    (answer,) = pipeline.answer(requests_for(["giant " * 600]))
    assert isinstance(answer, Rejected)
    assert answer.error.status == 507
    assert device.seen == [MAX_TOKENS]
    assert pipeline.describe()["token_budget"] == LIMIT


@pytest.mark.parametrize("engine", OF_TRANSFORMERS)
def test_a_device_without_any_memory_refuses_everything_and_comes_to_an_end(
    checkpoint: MakeCheckpoint, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline = load(checkpoint, engine)
    device = shrink_device(pipeline, monkeypatch, 0)
    answers = pipeline.answer(requests_for(["one", "two", "three", "four"]))
    assert [getattr(answer, "error", answer).status for answer in answers] == [507] * 4
    assert device.num_failures <= 8


def test_nothing_is_tried_again_after_the_deadline(checkpoint: MakeCheckpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline = load(checkpoint, Engine.PACKED)
    (group,) = pipeline._prepare([ask("text", EmbeddingParameters())], 1e12)
    now_s = iter([0.0, 0.0, 11.0])
    monkeypatch.setattr("handler.engine.forward.time", SimpleNamespace(monotonic=lambda: next(now_s, 11.0)))
    device = shrink_device(pipeline, monkeypatch, 0)
    texts = [text for pending in group for text in pending.texts] * 2
    assert list(pipeline._forward.rows(texts, [10.0] * len(texts), Stopwatch())) == []
    assert device.num_failures == 1
    assert group[0].outcome is None


def test_a_text_whose_time_ends_while_it_waits_is_left_out(
    checkpoint: MakeCheckpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline = load(checkpoint, Engine.PACKED)
    groups = pipeline._prepare(requests_for([f"{number} {'long ' * MAX_TOKENS}" for number in range(20)]), 1e12)
    texts = [text for group in groups for pending in group for text in pending.texts]
    device = shrink_device(pipeline, monkeypatch, LIMIT)
    clock = SimpleNamespace(monotonic=lambda: float(len(device.seen)))  # a pass takes a second
    monkeypatch.setattr("handler.engine.forward.time", clock)
    deadlines_s = [0.5 if index % 2 else 100.0 for index in range(20)]
    passes = [indices for indices, _ in pipeline._forward.rows(texts, deadlines_s, Stopwatch())]
    assert passes == [[0, 1, 2, 3, 4, 5, 6, 7], [8, 10, 12, 14, 16, 18]]


def test_explanation_without_memory_is_its_own_error(
    checkpoint: MakeCheckpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline = load(checkpoint, Engine.PACKED, Task.TEXT_CLASSIFICATION)

    def refuse_gradients(*_: Any) -> None:  # the attribution's passes alone keep activations for the way back
        if torch.is_grad_enabled():
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.")

    pipeline._model.network.register_forward_pre_hook(refuse_gradients)
    stopwatch = Stopwatch()
    explained, predicted = pipeline.answer(
        [ask("a text", ExplanationParameters()), ask("a text", ClassificationParameters())], stopwatch=stopwatch
    )
    assert isinstance(explained, Rejected)
    assert isinstance(explained.error, OutOfMemory)
    assert 0 < value_of(predicted)["score"] < 1
    assert pipeline.describe()["token_budget"] == LIMIT
    assert stopwatch.counts == {}
