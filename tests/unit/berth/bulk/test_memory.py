"""What a run takes: parts are smaller where each row has a vector for each of its tokens."""

from typing import Any

import pytest

from berth.bulk.memory import bytes_of_part, gives_tokens
from berth.memory.model_size import ModelSize
from handler.config import HandlerConfig, ScoreFunction, Task
from handler.vectors.late import Late
from handler.vectors.settings import Vectors

LATE = Vectors(late=Late(query_tokens=32, document_tokens=180, modules=("1_Dense",)), token_width=128)
BGE_M3 = Vectors(sparse_module="sparse", multi_module="multi", token_width=1025, dense_width=1024)


def sized(task: Task, vectors: Vectors | None) -> ModelSize:
    function = ScoreFunction.NONE if task is Task.TEXT_RANKING else None
    return ModelSize(
        name="m",
        config=HandlerConfig(task=task, max_tokens=512, vectors=vectors, score_function=function),
        batch_size=32,
        weights={},
        hidden=0,
        intermediate=0,
        num_labels=0,
        vector_size=0,
        scores=0,
        tokenizer_bytes=0,
        content_bytes=0,
    )


@pytest.mark.parametrize(
    ("task", "vectors", "parameters", "expected"),
    [
        (Task.EMBEDDINGS, None, {}, False),
        (Task.EMBEDDINGS, LATE, {}, True),
        (Task.TEXT_RANKING, LATE, {}, False),
        (Task.EMBEDDINGS, BGE_M3, {}, False),
        (Task.EMBEDDINGS, BGE_M3, {"vectors": "sparse"}, False),
        (Task.EMBEDDINGS, BGE_M3, {"vectors": "multi_vector"}, True),
        (Task.EMBEDDINGS, BGE_M3, {"vectors": ["dense", "multi_vector"]}, True),
    ],
)
def test_who_gets_a_vector_for_each_token(
    task: Task, vectors: Vectors | None, parameters: dict[str, Any], *, expected: bool
) -> None:
    assert gives_tokens(sized(task, vectors), parameters) is expected


def test_their_parts_are_smaller() -> None:
    assert bytes_of_part(gives_tokens=True) < bytes_of_part(gives_tokens=False)
