"""Little work runs on one thread, and torch's threads are what they were afterwards."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
import torch
from transformers import AlbertConfig, AlbertModel, BertConfig, BertModel

from handler.config import HandlerConfig, Task
from handler.engine import threads
from handler.engine.int8 import Int8Linear
from handler.engine.model import OF_TRANSFORMERS, Engine
from handler.engine.placement import Placement
from handler.engine.threads import (
    MOST_OF_OTHERS,
    MOST_ON_ONE_THREAD,
    CpuPasses,
    multiply_adds_per_token,
    one_thread,
    share_out,
)
from handler.pipeline import Pipeline
from handler.precision import Precision
from handler.tasks.embeddings import EmbeddingParameters
from tests.conftest import MakeCheckpoint
from tests.support.asking import ask, value_of
from tests.support.equality.cells import known_answers
from tests.support.texts import mixed_texts

HIDDEN, INTERMEDIATE, LAYERS = 8, 32, 3
SIZES: dict[str, Any] = {
    "hidden_size": HIDDEN,
    "intermediate_size": INTERMEDIATE,
    "num_attention_heads": 2,
    "vocab_size": 100,
}
# Another padding is another order of sums, and in int8 a number at the middle may be rounded to the other side.
TOLERANCES = {Precision.FP32: 1e-5, Precision.INT8: 1e-3}
OF_A_LAYER = 4 * HIDDEN**2 + 2 * HIDDEN * INTERMEDIATE


@pytest.fixture(autouse=True)
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_matrices_of_the_layers_are_counted_as_often_as_they_are_used() -> None:
    bert = BertModel(BertConfig(num_hidden_layers=LAYERS, **SIZES))
    albert = AlbertModel(AlbertConfig(num_hidden_layers=LAYERS, embedding_size=4, **SIZES))
    assert multiply_adds_per_token(bert) == multiply_adds_per_token(albert) == LAYERS * OF_A_LAYER


@pytest.mark.parametrize(
    ("work", "precision", "threads"),
    [
        (MOST_OF_OTHERS, Precision.FP32, 1),
        (2 * MOST_OF_OTHERS, Precision.FP32, 2),
        (2 * MOST_OF_OTHERS, Precision.INT8, 1),
        (2 * MOST_ON_ONE_THREAD[Precision.INT8], Precision.INT8, 2),
    ],
)
def test_little_work_of_a_text_runs_on_one_thread(work: float, precision: Precision, threads: int) -> None:
    seen: list[int] = []
    model: Any = SimpleNamespace(network=BertModel(BertConfig(num_hidden_layers=1, **SIZES)))
    model.forward = lambda _: seen.append(torch.get_num_threads())
    batch: Any = SimpleNamespace(cost=work / OF_A_LAYER, texts=["one"])
    placement = Placement(device=torch.device("cpu"), precision=precision, token_budget=100)
    CpuPasses(model, placement).forward(batch)
    assert (seen, torch.get_num_threads()) == ([threads], 2)


@pytest.mark.parametrize(
    ("lengths", "shares", "expected"),
    [
        ([5, 5, 5, 5], 2, [[0, 1], [2, 3]]),
        ([10, 1, 1, 8], 2, [[0], [1, 2, 3]]),
        ([100, 1], 2, [[0], [1]]),
        ([1, 1], 4, [[0], [1]]),
        ([4], 3, [[0]]),
    ],
)
def test_texts_are_shared_out_about_equally(lengths: list[int], shares: int, expected: list[list[int]]) -> None:
    assert share_out(lengths, shares) == expected


@pytest.mark.parametrize("engine", OF_TRANSFORMERS)
@pytest.mark.parametrize("precision", [Precision.FP32, Precision.INT8])
def test_parts_give_the_answers_of_the_whole(
    checkpoint: MakeCheckpoint, monkeypatch: pytest.MonkeyPatch, engine: Engine, precision: Precision
) -> None:
    config = HandlerConfig(task=Task.EMBEDDINGS, max_tokens=512, precision=precision)
    folder = checkpoint("bert", Task.EMBEDDINGS)
    pipeline = Pipeline(folder, config, torch.device("cpu"), engine)
    if precision is Precision.INT8:
        assert pipeline.quantize(known_answers(folder, Task.EMBEDDINGS))
    asked = [ask(text, EmbeddingParameters()) for text in mixed_texts(40)]
    expected = [value_of(answer) for answer in pipeline.answer(asked)]
    monkeypatch.setattr(threads, "MOST_OF_OTHERS", 0)
    monkeypatch.setattr(threads, "MOST_IN_ONE_PART", {})
    shared = Mock(wraps=threads.share_out)
    monkeypatch.setattr(threads, "share_out", shared)
    for _ in range(5):
        found = [value_of(answer) for answer in pipeline.answer(asked)]
        np.testing.assert_allclose(found, expected, rtol=0, atol=TOLERANCES[precision])
    assert shared.call_count >= 5
    assert torch.get_num_threads() == 2


def test_layers_are_turned_to_int8_on_one_thread(checkpoint: MakeCheckpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    """Query, key and value are one matrix by then, and the other three of a layer read what is their own."""
    monkeypatch.setattr(threads, "MOST_OF_OTHERS", 0)
    monkeypatch.setattr(threads, "MOST_IN_ONE_PART", {})
    config = HandlerConfig(task=Task.EMBEDDINGS, max_tokens=512, precision=Precision.INT8)
    folder = checkpoint("bert", Task.EMBEDDINGS)
    pipeline = Pipeline(folder, config, torch.device("cpu"), Engine.PACKED)
    num_matrices = pipeline.quantize(known_answers(folder, Task.EMBEDDINGS))
    network = pipeline.model.network
    quantizers = {id(module._quantize) for module in network.modules() if isinstance(module, Int8Linear)}
    assert num_matrices == 4 * network.config.num_hidden_layers
    assert len(quantizers) == 4 * network.config.num_hidden_layers


def test_an_error_leaves_the_threads_as_they_were() -> None:
    with pytest.raises(ValueError, match="the model"), one_thread():
        raise ValueError("the model's own")
    assert torch.get_num_threads() == 2
