"""What a batch's answers may take together: large ones find no room, small ones always do."""

import pytest
import torch

from handler import sizes
from handler.config import MAX_ANSWER_BYTES_PER_BATCH, SMALL_ANSWER_BYTES, HandlerConfig, Task
from handler.engine.model import Engine
from handler.errors import NotNow
from handler.inputs import TextInput
from handler.payload import Rejected, Request
from handler.pipeline import Pipeline
from handler.sizes import AnswerRoom
from handler.tasks.embeddings import EmbeddingParameters
from tests.conftest import MakeCheckpoint

SIZE = 64  # of the checkpoint's vectors: 768 bytes of JSON


def test_room_ends() -> None:
    room = AnswerRoom()
    large = MAX_ANSWER_BYTES_PER_BATCH // 2
    assert [room.take(size) for size in (large, large + 1, large, SMALL_ANSWER_BYTES + 1)] == [True, False, True, False]


def test_the_deep_check_always_finds_room() -> None:
    room = AnswerRoom()
    assert room.take(MAX_ANSWER_BYTES_PER_BATCH)
    assert all(room.take(SMALL_ANSWER_BYTES) for _ in range(64))


def request(num_texts: int, dimensions: int | None = None) -> Request:
    texts = tuple(TextInput(text=f"text {index}", param=f"/inputs/{index}") for index in range(num_texts))
    return Request(inputs=texts, parameters=EmbeddingParameters(dimensions=dimensions))


def test_embeddings_without_room_are_not_computed(checkpoint: MakeCheckpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sizes, "MAX_ANSWER_BYTES_PER_BATCH", 130 * SIZE * 12)
    folder = checkpoint("bert", Task.EMBEDDINGS)
    config = HandlerConfig(task=Task.EMBEDDINGS, max_tokens=16)
    pipeline = Pipeline(folder, config, torch.device("cpu"), Engine.PACKED)
    answers = pipeline.answer([request(100), request(100), request(1), request(100, dimensions=8)])
    assert [isinstance(answer, Rejected) for answer in answers] == [False, True, False, False]
    refused = answers[1]
    assert isinstance(refused, Rejected)
    assert isinstance(refused.error, NotNow)
