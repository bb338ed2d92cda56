"""What other protocols' addresses may answer with: as many results as there are inputs, errors in their own form."""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from handler.doors.paths import ROOT_PATHS, Form, RootPath, tei_error_type
from handler.vectors.settings import Kind
from tests.fuzz.make.requests import RestRequest
from tests.support.clients.rest import openai_vectors

from .vectors import is_number, judge_dense, judge_tokens, judge_vectors, judge_words

PATHS = {root.url_path: root for root in ROOT_PATHS}
_PATH = re.compile(r"/predictions/[^/]+/[^/]+/(.+?)/?")


def find_root(request: RestRequest) -> RootPath | None:
    """The address that a request is for, if it is one of these."""
    found = _PATH.fullmatch(unquote(request.path.partition("?")[0]))
    return PATHS.get(found[1]) if found else None


def judge_form(root: RootPath, status: int, value: Any) -> str:
    """An error that carries no code and no type; its status says what it is."""
    keys = ["error", "error_type"] if root.form is Form.TEI else ["message", "detail"]
    assert list(value) == keys, f"no error of {root.form}: {value}"
    message, second = value.values()
    assert message.strip(), "no message"
    assert second == (tei_error_type(status) if root.form is Form.TEI else message), value
    assert status in (400, 404, 413, 415, 422, 424, 503), f"an error that nobody should get: {status} {value}"
    return "503 NotNow" if status == 503 else f"{status} {root.form}"


def judge_values(root: RootPath, value: Any, body: Any) -> list[Any]:
    """The results in an answer, one for each input of the body; AssertionError says what is wrong with them."""
    return JUDGES[root.url_path](value, body)


def _check(results: Any, count: int) -> list[Any]:
    assert isinstance(results, list), f"no list of results: {results!r:.200}"
    assert len(results) == count, f"{len(results)} results of {count} inputs"
    return results


def _count(inputs: Any) -> int:
    """One text, or the ids of one, are one input."""
    return len(inputs) if isinstance(inputs, list) and not isinstance(inputs[0], int) else 1


def _judge_vectors(vectors: Any, count: int) -> list[Any]:
    for vector in _check(vectors, count):
        judge_dense(vector)
    return list(vectors)


def _judge_each(judge: Callable[[Any], None]) -> Callable[[Any, Any], list[Any]]:
    """One value for each input."""

    def judge_all(value: Any, body: Any) -> list[Any]:
        for each in _check(value, _count(body["inputs"])):
            judge(each)
        return list(value)

    return judge_all


def _judge_openai(value: Any, body: Any) -> list[Any]:
    """`embedding` where OpenAI has it, empty where there is no dense vector; others beside it, by kind."""
    data = _check(value["data"], _count(body["input"]))
    for each in data:
        kinds = each.pop("vectors", {}) | ({Kind.DENSE: each["embedding"]} if each["embedding"] else {})
        assert kinds, f"no vector: {each}"
        judge_vectors(kinds, tuple(Kind))
    return openai_vectors(value)


def _judge_labels(labels: Any) -> None:
    assert labels, "no label"
    assert all(list(each) == ["label", "score"] and is_number(each["score"]) for each in labels), labels


def _judge_predict(value: Any, body: Any) -> list[Any]:
    inputs = body["inputs"]
    is_batch = isinstance(inputs, list) and isinstance(inputs[0], list)
    several = _check(value, len(inputs)) if is_batch else [value]
    for labels in several:
        _judge_labels(labels)
    return several


def _judge_ranks(ranks: Any, name: str, body: Any) -> list[Any]:
    """Each of another text, best first, as many as were asked."""
    count = len(body.get("texts") or body.get("documents"))
    _check(ranks, min(count, body.get("top_n") or count))
    scores = [each[name] for each in ranks]
    assert all(map(is_number, scores)), scores
    assert scores == sorted(scores, reverse=True), scores
    assert len({each["index"] for each in ranks} & set(range(count))) == len(ranks), ranks
    return [ranks]


def _judge_rerank(value: Any, body: Any) -> list[Any]:
    if isinstance(value, dict):
        return _judge_ranks(value["results"], "relevance_score", body)
    return _judge_ranks(value, "score", body)


def _judge_typed(value: Any, body: Any) -> list[Any]:
    found = value["embeddings"]
    kinds = found if isinstance(found, dict) else {"float": found}
    assert list(kinds) == list(dict.fromkeys(body.get("embedding_types") or ["float"])), list(kinds)
    for vectors in kinds.values():
        _judge_vectors(vectors, len(body["texts"]))
    return list(body["texts"])


def _judge_tokens(value: Any, body: Any) -> list[Any]:
    for tokens in _check(value, _count(body["inputs"])):
        assert all(list(token) == ["id", "text", "special", "start", "stop"] for token in tokens), tokens
    return list(value)


def _judge_texts(value: Any, body: Any) -> list[Any]:
    assert all(isinstance(text, str) for text in value), value
    return _check(value, _count(body["ids"]))


def _judge_classes(value: Any, body: Any) -> list[Any]:
    for each in _check(value["data"], _count(body["input"])):
        assert each["num_classes"] == len(each["probs"]), each
        assert all(map(is_number, each["probs"])), each
    return list(value["data"])


def _judge_scores(value: Any, body: Any) -> list[Any]:
    sides = [side for name, side in body.items() if side and name not in ("use_activation", "model", "user")]
    found = _check(value["data"], max(map(_count, sides)))
    assert all(is_number(each["score"]) for each in found), found
    return found


def _judge_pooling(value: Any, body: Any) -> list[Any]:
    data = _check(value["data"], _count(body["input"]))
    for each in data:
        judge_vectors(each["data"], (Kind.DENSE, Kind.MULTI_VECTOR))
    return data


def _judge_cosines(value: Any, body: Any) -> list[Any]:
    found = _check(value, len(body["inputs"]["sentences"]))
    assert all(-1.001 <= each <= 1.001 for each in found), found
    return found


def _judge_hub(value: Any, body: Any) -> list[Any]:
    inputs = body["inputs"]
    if isinstance(inputs, dict) and "sentences" in inputs:
        return _judge_cosines(value, body)
    assert value or _may_be_empty(body), "an empty answer"
    return _check(value, _count(inputs)) if isinstance(inputs, list) else [value]


def _may_be_empty(body: Any) -> bool:
    """Whether a text may have no answer: one without an entity of the labels that were named."""
    return "candidate_labels" in (body.get("parameters") or {})


def _judge_info(value: Any, _: Any) -> list[Any]:
    assert value["max_input_length"] > 0, value
    return [value]


JUDGES: dict[str, Callable[[Any, Any], list[Any]]] = {
    "hf": _judge_hub,
    "v1/embeddings": _judge_openai,
    "embed": lambda value, body: _judge_vectors(value, _count(body["inputs"])),
    "embed_sparse": _judge_each(judge_words),
    "embed_all": _judge_each(judge_tokens),
    "similarity": _judge_cosines,
    "predict": _judge_predict,
    "rerank": _judge_rerank,
    "tokenize": _judge_tokens,
    "decode": _judge_texts,
    "info": _judge_info,
    "v1/rerank": _judge_rerank,
    "v2/rerank": _judge_rerank,
    "v1/embed": _judge_typed,
    "v2/embed": _judge_typed,
    "classify": _judge_classes,
    "score": _judge_scores,
    "v1/score": _judge_scores,
    "pooling": _judge_pooling,
}
