"""What the references for question-answering are asked. Pure and seeded, so that two transformers can be asked alike.

A checkpoint of random weights may find two answers nearly equal; then the next variant of the case is asked.
"""

import random
from dataclasses import dataclass
from typing import Any

from tests.support.texts import WORDS

PLAIN = [*filter(str.isascii, WORDS), "Ada", "wrote", "Babbage", "in", "London", "river", "moved", "early", "late"]


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionCase:
    """One question, as transformers' pipeline takes it."""

    question: str
    context: str
    parameters: dict[str, Any]


def question_case(name: str, variant: int) -> QuestionCase:
    """The case of this name; variants differ in their words."""
    words, num_words, repeats, parameters = _CASES[name]
    chooser = random.Random(f"{name} {variant}")
    question = " ".join(chooser.choices(PLAIN, k=6)) + "?"
    context = _sentences(chooser, words, num_words)
    return QuestionCase(question=question, context=_repeat(context, repeats), parameters=parameters)


def _sentences(chooser: random.Random, words: list[str], num_words: int) -> str:
    chosen = [chooser.choice(words) + chooser.choice(["", "", "", "", ",", "."]) for _ in range(num_words)]
    return " ".join(chosen) + "."


def _repeat(text: str, times: int) -> str:
    """The text once, then again in upper case and as it was: answers are the same answer whatever their case."""
    return " ".join(text.upper() if number % 2 else text for number in range(times))


_SCRIPTS = WORDS + PLAIN
# Words to choose from, how many, how often the context says the same, and the pipeline's parameters.
_CASES: dict[str, tuple[list[str], int, int, dict[str, Any]]] = {
    "short": (PLAIN, 25, 1, {}),
    "scripts": (_SCRIPTS, 40, 1, {"top_k": 3}),
    "tokens of scripts": (_SCRIPTS, 40, 1, {"top_k": 3, "align_to_words": False}),
    "one span of tokens": (_SCRIPTS, 60, 1, {"align_to_words": False}),
    "twenty": (PLAIN, 80, 1, {"top_k": 20}),
    "short answers": (PLAIN, 60, 1, {"top_k": 3, "max_answer_len": 5}),
    "long answers": (_SCRIPTS, 120, 1, {"top_k": 3, "max_answer_len": 60}),
    "perhaps none": (PLAIN, 3, 1, {"top_k": 5, "handle_impossible_answer": True}),
    "repeats": (PLAIN, 7, 6, {"top_k": 3}),
    "repeats in windows": (_SCRIPTS, 12, 20, {"top_k": 3, "max_seq_len": 64, "doc_stride": 16}),
    "small windows": (_SCRIPTS, 150, 1, {"top_k": 3, "max_seq_len": 72, "doc_stride": 20}),
    "windows that share nothing": (PLAIN, 200, 1, {"max_seq_len": 90, "doc_stride": 0}),
    "long": (_SCRIPTS, 2300, 1, {}),
    "twenty of a long one": (_SCRIPTS, 2300, 1, {"top_k": 20}),
}
QUESTION_CASES = tuple(_CASES)
