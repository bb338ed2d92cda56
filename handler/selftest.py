"""The known answers of an archive: plain transformers' fp32 results, recorded when it was packed. Pure.

Every precision and engine is held against them, at load and by the deep check.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .config import Precision, Task
from .errors import SelfTestError
from .payload import ClassificationParameters, Parameters, Request, TextInput, parse_inputs

# Largest distance from a known answer (see `difference`). fp32: other kernels and thread counts give about 1e-6.
# bf16 has 8 bits of mantissa: a 12-layer encoder drifts by 1 to 3 %; a mixed-up answer is off by 30 % and more.
TOLERANCES = {Precision.FP32: 1e-4, Precision.FP16: 1e-2, Precision.BF16: 6e-2}
KNOWN_PARAMETERS: dict[Task, Parameters] = {
    Task.EMBEDDINGS: Parameters(),
    Task.TEXT_CLASSIFICATION: ClassificationParameters(top_k=None),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownAnswers:
    """A few texts and the answers that plain transformers gives in fp32, rounded to 1e-6."""

    inputs: tuple[TextInput, ...]
    answers: tuple[object, ...]
    task: Task

    def request(self, count: int | None = None) -> Request:
        """The first `count` texts (all by default) as one request."""
        return Request(inputs=self.inputs[:count], is_list=True, parameters=KNOWN_PARAMETERS[self.task])

    def largest_difference(self, values: Sequence[object]) -> float:
        """The largest difference of these results from the known ones, in the order of the inputs."""
        return max(difference(value, known) for value, known in zip(values, self.answers, strict=False))


def load_known_answers(path: Path, task: Task) -> KnownAnswers:
    """known_answers.json of an unpacked archive; SelfTestError if it holds none."""
    document = json.loads(path.read_text("utf-8"))
    known = KnownAnswers(inputs=parse_inputs(document["inputs"], task), answers=tuple(document["answers"]), task=task)
    if not known.inputs or len(known.inputs) != len(known.answers):
        raise SelfTestError(
            f"{path.name} has {len(known.inputs)} inputs and {len(known.answers)} answers: pack it again"
        )
    return known


def difference(value: object, known: object) -> float:
    """Euclidean distance of two answers over the known one's length, or over 1 where that is shorter."""
    numbers, expected = _numbers(value), _numbers(known)
    if numbers.keys() != expected.keys():
        return math.inf
    distance = math.dist([numbers[key] for key in expected], list(expected.values()))
    return distance / max(1.0, math.hypot(*expected.values())) if math.isfinite(distance) else math.inf


def _numbers(answer: object) -> dict[str, float]:
    """An embedding by dimension, or scores by label."""
    if not isinstance(answer, list):
        return {}
    return {
        str(item["label"] if isinstance(item, dict) else index): float(
            item["score"] if isinstance(item, dict) else item
        )
        for index, item in enumerate(answer)
    }
