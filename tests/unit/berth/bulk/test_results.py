"""The column `result`: vectors of every kind, with rows that have none between."""

import io
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from berth.bulk.job import Output
from berth.bulk.messages import RowError
from berth.bulk.worker.carried import Carried
from berth.bulk.worker.parts import Answers, encode_part
from berth.bulk.worker.results import TYPES, ResultColumn
from handler.config import Task
from handler.vectors.sparse import SparseVector

DENSE = [np.array([1.5, -2.0], np.float32), np.array([0.25, 4.0], np.float32)]
TOKENS = [np.ones((3, 2), np.float32), np.zeros((1, 2), np.float32)]
SPARSE = [
    SparseVector(np.array([7, 2]), np.array([0.5, 0.25], np.float32)),
    SparseVector(np.array([], np.int64), np.array([], np.float32)),
]
NAMED = [SparseVector(np.array([1]), np.array([0.5], np.float32), lambda ids: [f"w{each}" for each in ids])] * 2
WORDS = [[{"index": 7, "weight": 0.5}, {"index": 2, "weight": 0.25}], []]
CASES: dict[str, tuple[list[Any], list[Any]]] = {
    "dense": (DENSE, [[1.5, -2.0], [0.25, 4.0]]),
    "multi_vector": (TOKENS, [[[1.0, 1.0]] * 3, [[0.0, 0.0]]]),
    "sparse": (SPARSE, WORDS),
    "by words": (NAMED, [[{"word": "w1", "weight": 0.5}]] * 2),
    "kinds": (
        [{"dense": dense, "sparse": sparse} for dense, sparse in zip(DENSE, SPARSE, strict=True)],
        [{"dense": [1.5, -2.0], "sparse": WORDS[0]}, {"dense": [0.25, 4.0], "sparse": WORDS[1]}],
    ),
}


@pytest.mark.parametrize("float16", [False, True])
@pytest.mark.parametrize("name", CASES)
def test_vectors_between_rows_without_any(name: str, float16: bool) -> None:
    (first, second), (one, two) = CASES[name]
    column = ResultColumn("embeddings", first, {}, float16=float16)
    assert column.array([None, first, None, second]).to_pylist() == [None, one, None, two]
    assert column.array([None]).to_pylist() == [None]
    assert column.array([None, first]).type == column.type == column.array([None]).type
    assert ("halffloat" in str(column.type)) == (float16 and name not in {"sparse", "by words"})


def test_every_task_has_a_type() -> None:
    assert {*TYPES, Task.EMBEDDINGS} == set(Task)


def test_a_part_is_the_same_bytes_for_the_same_answers_and_keeps_a_column_of_our_name() -> None:
    column = ResultColumn("embeddings", DENSE[0], {}, float16=False)
    error = RowError(code=422, type="InvalidInput", message="why")
    answers = Answers(
        first_row=5, results=[DENSE[0], None], tokens=[3, None], truncated=[True, None], errors=[None, error]
    )
    carried = Carried(columns=pa.table({"row": ["a", "b"], "when": [1, 2]}), is_of_lines=False, folders={})
    content = encode_part(Output.PARQUET, carried, answers, column)
    assert content == encode_part(Output.PARQUET, carried, answers, column)
    assert pq.read_table(io.BytesIO(content)).to_pylist() == [
        {"input_row": "a", "when": 1, "row": 5, "result": [1.5, -2.0], "tokens": 3, "truncated": True, "error": None},
        {
            "input_row": "b",
            "when": 2,
            "row": 6,
            "result": None,
            "tokens": None,
            "truncated": None,
            "error": {"code": 422, "type": "InvalidInput", "message": "why"},
        },
    ]
