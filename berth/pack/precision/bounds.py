"""How far answers in a faster precision may be from those in fp32. Pure."""

import math
from collections.abc import Mapping, Sequence
from operator import mul
from typing import Any

from handler.config import Task
from handler.precision import Precision
from handler.vectors.settings import Kind

LEAST_COSINES = {Precision.BF16: 0.999, Precision.INT8: 0.99}
LARGEST_SCORE_DIFFERENCE = 0.02
EVERY_LABEL_COUNTS = frozenset(
    {Task.TOKEN_CLASSIFICATION, Task.QUESTION_ANSWERING, Task.ZERO_SHOT_TOKEN_CLASSIFICATION}
)
"""Where a list holds what was found; elsewhere it holds all that there is, the best first."""


def measure(task: Task, exact: Sequence[Any], fast: Sequence[Any]) -> float:
    """The least cosine of two vectors, or the largest difference of two scores: infinite where a label differs."""
    pairs = list(zip(exact, fast, strict=True))
    if task is Task.EMBEDDINGS:
        return min(_cosine(*pair) for pair in pairs)
    return max(_difference(task, *pair) for pair in pairs)


def is_within(task: Task, precision: Precision, measured: float) -> bool:
    """Whether answers so far from those in fp32 may be given."""
    if task is Task.EMBEDDINGS:
        return measured >= LEAST_COSINES[precision]
    return measured <= LARGEST_SCORE_DIFFERENCE


def describe(task: Task, measured: float) -> str:
    """The measure in words."""
    if task is Task.EMBEDDINGS:
        return f"least cosine {measured:.5f}"
    return f"scores within {measured:.4f}" if math.isfinite(measured) else "another label"


def with_kept(kept: Sequence[int]) -> str:
    """What follows a measure in int8 of which some layers stay in fp32; nothing where none does."""
    if not kept:
        return ""
    *others, last = map(str, kept)
    return f" with layer{'s' * bool(others)} {', '.join(others)}{' and ' * bool(others)}{last} in fp32"


def _cosine(exact: Any, fast: Any) -> float:
    if isinstance(exact, dict) and exact and set(exact) <= set(Kind):  # several vectors
        return min(_cosine(exact[kind], fast[kind]) for kind in exact)
    if isinstance(exact, list) and exact and isinstance(exact[0], list):  # a vector for each token
        exact, fast = ([number for vector in vectors for number in vector] for vectors in (exact, fast))
    if isinstance(exact, dict):  # a sparse vector
        words = sorted(exact.keys() | fast.keys())
        exact, fast = ([vector.get(word, 0.0) for word in words] for vector in (exact, fast))
    lengths = math.hypot(*exact) * math.hypot(*fast)
    return sum(map(mul, exact, fast)) / lengths if lengths else float(exact == fast)


def _difference(task: Task, exact: Any, fast: Any) -> float:
    """The largest difference of scores in one answer."""
    if isinstance(exact, list):
        return _of_all(task, exact, fast) if task in EVERY_LABEL_COUNTS else _of_ranked(task, exact, fast)
    if "scores" in exact:  # labels and scores apart
        return _of_ranked(task, _as_items(exact), _as_items(fast))
    if _label(exact) != _label(fast):
        return math.inf
    differences = [abs(exact[key] - fast[key]) / max(1.0, abs(exact[key])) for key in _scores(exact)]
    return float(max(differences))


def _of_all(task: Task, exact: Sequence[Any], fast: Sequence[Any]) -> float:
    if len(exact) != len(fast):
        return math.inf
    return max((_difference(task, *pair) for pair in zip(exact, fast, strict=True)), default=0.0)


def _of_ranked(task: Task, exact: Sequence[Any], fast: Sequence[Any]) -> float:
    """Of lists in which scores decide the order: the first label counts, and every score of a label that both have."""
    if not exact or not isinstance(exact[0], dict):  # a list for each mask
        return _of_all(task, exact, fast)
    found = {_label(item): item for item in fast}
    if not fast or _label(exact[0]) != _label(fast[0]):
        return math.inf
    return max(_difference(task, item, found[_label(item)]) for item in exact if _label(item) in found)


def _as_items(ranked: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"label": label, "score": score} for label, score in zip(ranked["labels"], ranked["scores"], strict=True)]


def _label(item: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
    """All of it that is no score."""
    return tuple((key, value) for key, value in item.items() if not isinstance(value, float))


def _scores(item: Mapping[str, Any]) -> list[str]:
    return [key for key, value in item.items() if isinstance(value, float)]
