"""What was cut is said in each door's own dress, beside the header; nothing is said where nothing was."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from handler.config import Task
from handler.payload import Prediction
from tests.support.calls import MODEL_INFER, OPENAI_HEADERS, REST, ask, grpc_body, infer, tensor
from tests.support.standin_model import LABELS

VECTOR = np.asarray([0.5, -1.25], np.float32)
TEXTS = ["short", "too long", "short", "too long"]
CUT = [1, 3]
RANKED = [{"label": label, "score": 1 / len(LABELS)} for label in LABELS]


def tell(
    body: object, headers: Mapping[str, object], task: Task = Task.EMBEDDINGS, value: object = VECTOR, cut: Any = CUT
) -> Any:
    """The answer's body where these inputs were cut."""
    number = 1 if task is Task.TEXT_RANKING else len(TEXTS)
    found = [Prediction(value=value, num_tokens=3, is_truncated=place in cut) for place in range(number)]
    response = ask(body, headers, task).reply.format_predictions(found)
    assert response.headers.get("x-truncated") == (",".join(map(str, cut)) or None)
    return json.loads(response.body)


def at(path: str) -> dict[str, str]:
    return {**REST, "url_path": path}


def test_openai_says_which() -> None:
    body = {"input": TEXTS}
    assert tell(body, OPENAI_HEADERS)["truncated"] == CUT
    assert "truncated" not in tell(body, OPENAI_HEADERS, cut=[])


def test_vllm_says_which() -> None:
    found = tell({"input": TEXTS}, at("classify"), Task.TEXT_CLASSIFICATION, RANKED)
    assert found["truncated"] == CUT
    assert "truncated" not in tell({"input": TEXTS}, at("classify"), Task.TEXT_CLASSIFICATION, RANKED, cut=[])


def test_kserve_v1_says_which() -> None:
    assert tell({"instances": TEXTS}, REST)["truncated"] == CUT
    assert tell({"instances": TEXTS}, REST, cut=[]).keys() == {"predictions"}


def test_v2_says_which_among_the_answers_parameters() -> None:
    body = infer(tensor("text", *TEXTS))
    assert tell(body, REST)["parameters"] == {"truncated": "1,3"}
    assert "parameters" not in tell(body, REST, cut=[])


def test_torchserves_own_grpc_has_no_place_for_it() -> None:
    body = grpc_body(tensor("text", *(text.encode() for text in TEXTS)))
    found = [Prediction(value=VECTOR, num_tokens=3, is_truncated=True)] * len(TEXTS)
    response = ask(json.dumps(body).encode(), MODEL_INFER).reply.format_predictions(found)
    assert "parameters" not in json.loads(response.body)


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_cohere_warns(version: str) -> None:
    body = {"texts": TEXTS, "model": "x", "input_type": "search_query", "embedding_types": ["float"]}
    assert tell(body, at(f"{version}/embed"))["meta"]["warnings"] == [
        "texts[1] is longer than the model takes: a part was not read",
        "texts[3] is longer than the model takes: a part was not read",
    ]
    assert "warnings" not in tell(body, at(f"{version}/embed"), cut=[])["meta"]
    ranks = [{"index": 0, "score": 0.9}]
    body = {"query": "a", "documents": ["b"]}
    (warning,) = tell(body, at(f"{version}/rerank"), Task.TEXT_RANKING, ranks, cut=[0])["meta"]["warnings"]
    assert warning == "a document is longer than the model takes: a part was not read"
