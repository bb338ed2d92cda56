"""Vectors of every kind: lists of numbers or their bytes in base64, weights of words, vectors of tokens."""

import base64
import math
from typing import Any

from handler.vectors.settings import Kind


def judge_vectors(result: Any, made: tuple[Kind, ...]) -> None:
    """An embedding model's result, which is of the kinds that it makes."""
    kinds = result if isinstance(result, dict) and set(result) <= set(Kind) and result else {tell(result): result}
    for kind, value in kinds.items():
        assert kind in made, f"a {kind} vector of a model that makes {made}"
        JUDGES[Kind(kind)](value)


def tell(value: Any) -> Kind:
    """Which kind of vector it looks like."""
    if isinstance(value, dict):
        return Kind.SPARSE
    return Kind.MULTI_VECTOR if isinstance(value, list) and (not value or not is_number(value[0])) else Kind.DENSE


def judge_dense(vector: Any) -> None:
    """Numbers, or the bytes of float32."""
    if isinstance(vector, str):
        found = base64.b64decode(vector, validate=True)
        assert found, "an empty vector"
        assert len(found) % 4 == 0
        return
    assert vector, "an empty vector"
    assert all(map(is_number, vector)), f"{vector!r:.200}"


def judge_sparse(weights: Any) -> None:
    """Weights by word, the largest first; of a text without words none."""
    values = list(weights.values())
    assert all(is_number(each) and each > 0 for each in values), f"{weights!r:.200}"
    assert values == sorted(values, reverse=True), f"{weights!r:.200}"


def judge_words(words: Any) -> None:
    """The same as TEI writes it: objects in the order of the ids."""
    assert all(list(each) == ["index", "value"] and is_number(each["value"]) for each in words), f"{words!r:.200}"
    indices = [each["index"] for each in words]
    assert indices == sorted(set(indices)), indices


def judge_tokens(vectors: Any) -> None:
    """A vector for each token but the first, all as long."""
    assert isinstance(vectors, list), f"{vectors!r:.200}"
    assert len({len(each) for each in vectors}) <= 1
    for each in vectors:
        judge_dense(each)


def is_number(value: Any) -> bool:
    """Whether it is one, and finite."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


JUDGES = {Kind.DENSE: judge_dense, Kind.SPARSE: judge_sparse, Kind.MULTI_VECTOR: judge_tokens}
