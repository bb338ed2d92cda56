"""The known answers of an archive: plain transformers' fp32 numbers, recorded when it was packed.

Every precision and engine is compared with them, at load and by the deep check: vectors and logits, before anything
is made of them, for a label or a span that wins by a hair in one precision loses in another. A load on a CPU takes the
short ones: one text of 512 tokens takes BERT-base a second of two cores. Packing proves all of them.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import starmap
from pathlib import Path

import msgspec
import numpy as np

from .config import KNOWN_SPANS_STEP, KNOWN_WORD_SUMS, KNOWN_WORDS_STEP
from .contract import Contract
from .errors import SelfTestError
from .inputs import TextInput, to_text_inputs
from .parameters import Parameters
from .payload import Answer, Rejected, Request
from .precision import Precision
from .tasks.kind import Head, Reading, Reads, one_by_one
from .tasks.sparse import words_of

# Largest distance from a known answer (see `difference`). fp32: other kernels and thread counts give about 1e-6.
# bf16 has 8 bits of mantissa: a 12-layer encoder drifts by 1 to 3 %; a mixed-up answer is off by 30 % and more. int8:
# vectors whose cosine is 0.99 are 0.14 apart; packing has held labels and scores to bounds of their own.
TOLERANCES = {Precision.FP32: 1e-4, Precision.FP16: 1e-2, Precision.BF16: 6e-2, Precision.INT8: 0.15}
SHORT_CHARACTERS = 1000
Answers = tuple[tuple[float, ...], ...]
"""Numbers for each input, in order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownAnswers:
    """A few inputs and the numbers that plain transformers gives for each in fp32, rounded to 1e-6."""

    inputs: tuple[TextInput, ...]
    parameters: Parameters
    answers: Answers
    heads: Mapping[str, Answers] = field(default_factory=dict)
    """What further heads answer to the same inputs, by their names."""
    prompted: Mapping[str, Answers] = field(default_factory=dict)
    """What is answered to the same inputs behind other prompts than the default one, by their names."""

    def request(self, count: int | None = None) -> Request:
        """Return the first `count` inputs (all by default) as one request."""
        return Request(inputs=self.inputs[:count], parameters=self.parameters, is_raw=True)

    def requests(self) -> list[Request]:
        """Return all inputs as a request to the first head, to each further one, and with each prompt."""
        first = self.request()
        heads = (msgspec.structs.replace(self.parameters, head=name) for name in self.heads)
        prompts = (msgspec.structs.replace(self.parameters, prompt_name=name) for name in self.prompted)
        others = (*heads, *prompts)
        return [first, *(replace(first, parameters=each) for each in others)]

    def short(self) -> "KnownAnswers":
        """Keep those to short inputs, at least one: a tenth of the work of all of them."""
        short = [index for index, known in enumerate(self.inputs) if known.num_characters <= SHORT_CHARACTERS]
        chosen = short or [0]
        return replace(
            self,
            inputs=tuple(self.inputs[index] for index in chosen),
            answers=tuple(self.answers[index] for index in chosen),
            heads=_chosen(self.heads, chosen),
            prompted=_chosen(self.prompted, chosen),
        )

    def largest_difference(self, values: Sequence[object]) -> float:
        """Return the largest difference of these results from the known ones, in the order of the inputs."""
        return _largest_difference(values, self.answers)

    def worst_difference(self, answers: Sequence[Answer]) -> float:
        """Return the largest difference of the answers to `requests()`; infinite where there is no answer at all."""
        if any(isinstance(answer, Rejected) for answer in answers):
            return math.inf
        values = [[each.value for each in answer] for answer in answers if not isinstance(answer, Rejected)]
        known = (self.answers, *self.heads.values(), *self.prompted.values())
        return max(starmap(_largest_difference, zip(values, known, strict=True)))


def load_known_answers(path: Path, contract: Contract) -> KnownAnswers:
    """Read known_answers.json of an unpacked archive; SelfTestError if it holds none."""
    document = json.loads(path.read_text("utf-8"))
    known = KnownAnswers(
        inputs=to_text_inputs([msgspec.convert(value, contract.inputs) for value in document["inputs"]], "/inputs"),
        parameters=msgspec.convert(document["parameters"], contract.parameters),
        answers=_read_answers(document["answers"]),
        heads={name: _read_answers(answers) for name, answers in document.get("heads", {}).items()},
        prompted={name: _read_answers(answers) for name, answers in document.get("prompted", {}).items()},
    )
    for answers in (known.answers, *known.heads.values(), *known.prompted.values()):
        if not known.inputs or len(known.inputs) != len(answers):
            raise SelfTestError(f"{path.name} has {len(known.inputs)} inputs and {len(answers)} answers: pack it again")
    return known


def _chosen(answers: Mapping[str, Answers], places: Sequence[int]) -> dict[str, Answers]:
    """Keep the answers to some of the inputs."""
    return {name: tuple(each[place] for place in places) for name, each in answers.items()}


def _read_answers(value: list[list[float]]) -> Answers:
    return tuple(tuple(answer) for answer in value)


def _largest_difference(values: Sequence[object], answers: Answers) -> float:
    return max(difference(value, known) for value, known in zip(values, answers, strict=False))


def make_raw_head(reads: Reads) -> Head[Parameters]:
    """Make a head for any task: the model's numbers in order, every KNOWN_WORDS_STEPth of a vocabulary's logits, and
    every KNOWN_SPANS_STEPth of those of spans.

    Of a sparse vector nearly all are 0: there it is sums of the weights, in which each counts. Of tokens there are too
    many numbers: there it is means over tokens, and over numbers.
    """
    if reads is Reads.WORD_WEIGHTS:
        return one_by_one(_sum_words)
    if reads is Reads.TEXT_AND_TOKENS:
        return one_by_one(_mean_tokens)
    if reads is Reads.TOKEN_VECTORS:
        return one_by_one(_mean_vectors)
    step = KNOWN_WORDS_STEP if reads is Reads.MASK_LOGITS else 1
    every = KNOWN_SPANS_STEP if reads is Reads.TYPED_SPANS else 1

    @one_by_one
    def head(reading: Reading, _: Parameters) -> list[float]:
        numbers: list[float] = np.concatenate([row[..., ::step].ravel()[::every] for row in reading.rows]).tolist()
        return numbers

    return head


def _sum_words(reading: Reading, _: Parameters) -> list[float]:
    """Weights [vocabulary], or of some words, -> their sums, of every KNOWN_WORD_SUMSth word from each of the first."""
    words, row = words_of(reading)
    places = (np.arange(len(row)) if words is None else words) % KNOWN_WORD_SUMS
    sums: list[float] = np.bincount(places, weights=row, minlength=KNOWN_WORD_SUMS).tolist()
    return sums


def _mean_tokens(reading: Reading, _: Parameters) -> list[float]:
    """A text's row and its tokens' [1 + T, width] -> the row, the tokens' mean, and each one's sum over T."""
    (row,) = reading.rows
    tokens = row[1:].astype(np.float64)
    numbers: list[float] = np.concatenate([row[0], tokens.mean(0), tokens.sum(1) / len(tokens)]).tolist()
    return numbers


def _mean_vectors(reading: Reading, _: Parameters) -> list[float]:
    """Vectors of tokens [T, width] of each text -> their mean, and each one's sum over T."""
    parts = [part for row in reading.rows for part in (row.mean(0, np.float64), row.sum(1, np.float64) / len(row))]
    numbers: list[float] = np.concatenate(parts).tolist()
    return numbers


def difference(value: object, known: Sequence[float]) -> float:
    """Return the Euclidean distance of two answers over the known one's length, or over 1 where that is shorter."""
    if not isinstance(value, list) or len(value) != len(known):
        return math.inf
    distance = math.dist(value, known)
    return distance / max(1.0, math.hypot(*known)) if math.isfinite(distance) else math.inf
