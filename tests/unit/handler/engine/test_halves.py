"""A text that the model fails on gets its own error, and its neighbours in the forward pass get their answers."""

import logging
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoTokenizer

from handler.config import HandlerConfig, Task
from handler.engine.model import OF_TRANSFORMERS, Engine
from handler.errors import InternalError, InvalidInput
from handler.payload import Answer, Rejected, Request
from handler.pipeline import Pipeline
from handler.tasks.embeddings import EmbeddingParameters
from tests.conftest import MakeCheckpoint
from tests.support.asking import ask, value_of

GUILTY = "berth"
TEXTS = [f"text number {number}" for number in range(20)]


class Failing:
    """A forward pass that raises where one of its texts has the guilty token."""

    def __init__(self, pipeline: Any, message: str = "index out of range in self") -> None:
        self._forward = pipeline._model.forward
        self._token = pipeline._tokenizer.hf(GUILTY, add_special_tokens=False).input_ids[0]
        self._message = message
        self.num_texts: list[int] = []

    def __call__(self, batch: Any) -> Any:
        self.num_texts.append(len(batch.indices))
        ids = batch.ids.numpy() if hasattr(batch, "ids") else batch.buffer[: batch.num_tokens]
        if (ids == self._token).any():
            raise IndexError(self._message)
        return self._forward(batch)


def load(checkpoint: MakeCheckpoint, engine: Engine) -> Any:
    config = HandlerConfig(task=Task.EMBEDDINGS, max_tokens=512)
    return Pipeline(checkpoint("bert", Task.EMBEDDINGS), config, torch.device("cpu"), engine)


def fail(pipeline: Any, monkeypatch: pytest.MonkeyPatch) -> Failing:
    failing = Failing(pipeline)
    monkeypatch.setattr(pipeline._model, "forward", failing)
    return failing


def requests_for(texts: list[str]) -> list[Request]:
    return [ask(text, EmbeddingParameters()) for text in texts]


def is_failure(answer: Answer) -> bool:
    return isinstance(answer, Rejected) and isinstance(answer.error, InternalError)


@pytest.mark.parametrize("places", [[0], [7], [19], [3, 4], [0, 10, 19]])
@pytest.mark.parametrize("engine", OF_TRANSFORMERS)
def test_neighbours_get_their_answers(
    checkpoint: MakeCheckpoint,
    engine: Engine,
    places: list[int],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    pipeline = load(checkpoint, engine)
    texts = [f"{text} {GUILTY}" if index in places else text for index, text in enumerate(TEXTS)]
    expected = pipeline.answer(requests_for(TEXTS))
    failing = fail(pipeline, monkeypatch)
    with caplog.at_level(logging.WARNING):
        answers = pipeline.answer(requests_for(texts))
    assert [index for index, answer in enumerate(answers) if is_failure(answer)] == places
    for index, (answer, other) in enumerate(zip(answers, expected, strict=True)):
        if index not in places:
            np.testing.assert_allclose(value_of(answer), value_of(other), rtol=0, atol=1e-5)
    assert len(failing.num_texts) <= 1 + len(places) * 2 * 5  # 20 texts are halved five times
    assert caplog.text.count("Traceback") == len(places)


def test_a_model_that_fails_on_everything_comes_to_an_end(
    checkpoint: MakeCheckpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline = load(checkpoint, Engine.PACKED)
    failing = fail(pipeline, monkeypatch)
    answers = pipeline.answer(requests_for([f"{text} {GUILTY}" for text in TEXTS]))
    assert all(map(is_failure, answers))
    assert len(failing.num_texts) == 2 * len(TEXTS) - 1


def test_halving_takes_no_longer_than_its_limit(checkpoint: MakeCheckpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline = load(checkpoint, Engine.PACKED)
    failing = fail(pipeline, monkeypatch)
    now_s = iter(range(10**6))
    monkeypatch.setattr("handler.engine.forward.time", SimpleNamespace(monotonic=lambda: float(next(now_s))))
    answers = pipeline.answer(requests_for([f"{text} {GUILTY}" for text in TEXTS]))
    assert all(map(is_failure, answers))
    assert len(failing.num_texts) < len(TEXTS)


def test_an_engine_is_not_proven_by_texts_alone(checkpoint: MakeCheckpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline = load(checkpoint, Engine.PACKED)
    failing = fail(pipeline, monkeypatch)
    known = Request(
        inputs=tuple(source for text in ("a", GUILTY) for source in ask(text, EmbeddingParameters()).inputs),
        parameters=EmbeddingParameters(),
        is_raw=True,
    )
    (answer,) = pipeline.answer([known])
    assert is_failure(answer)
    assert failing.num_texts == [2]


@pytest.mark.parametrize("engine", OF_TRANSFORMERS)
def test_a_token_that_the_model_does_not_know_never_reaches_it(
    checkpoint: MakeCheckpoint, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = shutil.copytree(checkpoint("bert", Task.EMBEDDINGS), tmp_path / "enlarged")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.add_tokens(["<brand>"])
    tokenizer.save_pretrained(folder)
    pipeline = Pipeline(folder, HandlerConfig(task=Task.EMBEDDINGS, max_tokens=512), torch.device("cpu"), engine)
    failing = fail(pipeline, monkeypatch)
    first, refused, last = pipeline.answer(requests_for(["one", "our <brand> new", "two"]))
    assert len(value_of(first)) == len(value_of(last))
    assert isinstance(refused, Rejected)
    assert isinstance(refused.error, InvalidInput)
    assert f"the token '<brand>', number {len(tokenizer) - 1}, and the model knows" in refused.error.message
    assert refused.error.param == "/inputs"
    assert failing.num_texts == [2]
