"""Where the answers of two versions differ: labels that flip, differences of scores, how long they take. Pure."""

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ..clients.messages import Result
from .golden import Answered

LABELS = ("label", "answer", "entity_group", "entity", "token_str", "labels", "index")
"""The keys that tell what a result is, by task; the first that it has."""
SCORES = ("score", "scores", "start", "end")


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What two versions said to the same inputs."""

    inputs: int
    flips: int
    """Inputs whose first label, answer or entity is another, and those that only the old one answers."""
    refused: int
    """Inputs that the old version answers and the new one does not."""
    refused_by_both: int
    largest_difference: float
    """Of a score, or of a number of a vector, where both say the same label."""
    old_ms: float
    """The median time of an input asked alone."""
    new_ms: float

    def __str__(self) -> str:
        if not self.inputs:
            return "no inputs to compare: the archive has no known ones, and --golden names none"
        flips = f"{self.flips} flip{'s' * (self.flips != 1)} ({100 * self.flips / self.inputs:.1f} %)"
        refused = f", {self.refused_by_both} refused by both" if self.refused_by_both else ""
        return (
            f"{self.inputs} inputs: {flips}{refused}, scores differ by at most "
            f"{self.largest_difference:.2g}, {self.new_ms:.1f} ms against {self.old_ms:.1f} ms"
        )

    @property
    def facts(self) -> dict[str, Any]:
        """The numbers, for programs."""
        return asdict(self)


def compare(old: Answered, new: Answered) -> Comparison:
    """Compare the answers to the same inputs."""
    pairs = list(zip(old.results, new.results, strict=True))
    both = [(was, now) for was, now in pairs if was is not None and now is not None]
    return Comparison(
        inputs=len(pairs),
        flips=sum(_names(was) != _names(now) for was, now in pairs if was is not None),
        refused=sum(was is not None and now is None for was, now in pairs),
        refused_by_both=sum(was is None and now is None for was, now in pairs),
        largest_difference=max((_difference(was, now) for was, now in both), default=0.0),
        old_ms=_median(old.ms),
        new_ms=_median(new.ms),
    )


def _median(ms: Sequence[float]) -> float:
    return statistics.median(ms) if ms else 0.0


def _names(result: Result | None) -> list[str]:
    """What a result says, without its numbers: of a classification its best label, of entities all; of a vector []."""
    if result is None:
        return ["refused"]
    parts = [part for part in _parts(result) if isinstance(part, dict)]
    names = [str(_name(part)) for part in parts]
    is_ranked = all("label" in part or "token_str" in part or "index" in part for part in parts)
    return names[:1] if is_ranked else names


def _name(part: dict[str, Any]) -> object:
    if not _is_scored(part):  # vectors: a sparse one says its heaviest word
        words = part.get("sparse", part)
        return max((key for key in words if isinstance(words[key], float | int)), key=words.__getitem__, default="")
    value = next((part[key] for key in LABELS if key in part), "")
    return value[0] if isinstance(value, list) and value else value


def _is_scored(part: dict[str, Any]) -> bool:
    """Whether an object is a label, an answer or an entity, and no vector."""
    return "score" in part or "scores" in part


def _parts(result: Any) -> list[Any]:
    """The objects of a result, whose lists may be nested once; a vector is one part."""
    if not isinstance(result, list) or (result and isinstance(result[0], float | int)):
        return [result]
    return [inner for part in result for inner in (part if isinstance(part, list) else [part])]


def _difference(was: Result, now: Result) -> float:
    """The largest difference of what both give a number for; a word that a sparse vector leaves out has 0."""
    old, new = dict(_numbers(was)), dict(_numbers(now))
    one_has = {key for key in old.keys() ^ new.keys() if isinstance(key[-1], str) and isinstance(key[0], int)}
    return max((abs(old.get(key, 0.0) - new.get(key, 0.0)) for key in old.keys() & new.keys() | one_has), default=0.0)


def _numbers(result: Any) -> Iterator[tuple[tuple[object, ...], float]]:
    """Each score by what it is of, each number of a vector by its place."""
    for index, part in enumerate(_parts(result)):
        if isinstance(part, dict) and _is_scored(part):
            yield from _scores(part, index)
        else:
            yield from _leaves(part, (index,))


def _leaves(value: Any, place: tuple[object, ...]) -> Iterator[tuple[tuple[object, ...], float]]:
    """Each number of vectors, which may be nested: dense, sparse by its words, one for each token, several kinds."""
    if isinstance(value, float | int):
        yield place, float(value)
    elif isinstance(value, list | dict):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _leaves(inner, (*place, key))


def _scores(part: dict[str, Any], index: int) -> Iterator[tuple[tuple[object, ...], float]]:
    if isinstance(part.get("scores"), list):
        yield from (((label,), score) for label, score in zip(part["labels"], part["scores"], strict=True))
    elif isinstance(part.get("score"), float | int):
        place = () if "label" in part or "token_str" in part else (index,)
        yield (str(_name(part)), *place), float(part["score"])
