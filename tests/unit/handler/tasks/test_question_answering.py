"""Answers as the pipeline of transformers 4.57 gave them: tests/support/references/question_answering.json."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from transformers import AutoModelForQuestionAnswering

from handler.config import Task
from handler.inputs import TextInput
from handler.tasks import TASKS
from handler.tasks.kind import Reading
from handler.tasks.question_answering import QuestionAnsweringParameters, best_spans, make_head, merge_spans
from tests.support.references.cases import QUESTION_CASES, question_case
from tests.support.references.make_checkpoints import ARCHITECTURES, make_question_checkpoint
from tests.support.references.question_answering import RESULTS, as_list
from tests.support.references.reading import Reader

TOLERANCE = 1e-4
RELATIVE = 1e-3  # many scores are below the tolerance: they must agree too
WINDOW_PARAMETERS = ("max_seq_len", "doc_stride")
KIND = TASKS[Task.QUESTION_ANSWERING].parameters


@cache
def references() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(RESULTS.read_text("utf-8"))
    return found


def ask(reader: Reader, question: str, context: str, **parameters: Any) -> Any:
    layout = {name: parameters[name] for name in WINDOW_PARAMETERS if name in parameters}
    head = make_head(reader.model.config, reader.tokenizer)
    chosen = msgspec.convert(parameters, KIND)
    (answer,) = head([reader.read_question(question, context, **layout)], chosen)
    return answer


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Reader:
    folder = make_question_checkpoint(tmp_path_factory.mktemp("bert"), "bert")
    return Reader(folder, AutoModelForQuestionAnswering)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_answers_are_those_of_the_pipeline(tmp_path: Path, architecture: str) -> None:
    reader = Reader(make_question_checkpoint(tmp_path, architecture), AutoModelForQuestionAnswering)
    expected = [reference for reference in references() if reference["architecture"] == architecture]
    assert [reference["case"] for reference in expected] == list(QUESTION_CASES)
    for reference in expected:
        case = question_case(reference["case"], reference["variant"])
        assert_same(ask(reader, case.question, case.context, **case.parameters), reference["answer"])


def assert_same(value: Any, expected: Any) -> None:
    """The same shape and places, and scores that agree."""
    assert type(value) is type(expected)
    pairs = zip(value, expected, strict=True) if isinstance(value, list) else [(value, expected)]
    for one, other in pairs:
        assert list(one) == list(other)
        assert type(one["score"]) is float
        assert abs(one["score"] - other["score"]) < TOLERANCE
        assert one == other | {"score": pytest.approx(other["score"], rel=RELATIVE)}


def test_references_have_windows_merged_answers_and_none() -> None:
    """The comparison above would be worth less without these."""
    answers = [answer for reference in references() for answer in as_list(reference["answer"])]
    assert any(answer["score"] > 1 for answer in answers)  # a sum over windows
    assert any(answer["answer"] == "" for answer in answers)
    assert any(len(as_list(reference["answer"])) == 2 for reference in references())  # three spans, two texts


@pytest.mark.parametrize("top_k", [1, 3])
def test_context_without_tokens_has_no_answer(bert: Reader, top_k: int) -> None:
    nothing = {"score": 0.0, "start": 0, "end": 0, "answer": ""}
    assert ask(bert, "who?", " \u200b", top_k=top_k) == nothing
    assert ask(bert, "who?", " \u200b", top_k=top_k, handle_impossible_answer=True) == nothing | {"score": 1.0}


def test_impossible_spans_are_no_answers(bert: Reader) -> None:
    """The pipeline adds "" with the score 0.0 here, or context up to the word, as numpy happens to sort zeros."""
    answer = ask(bert, "where is the river?", "London", top_k=5)
    assert (answer["answer"], answer["start"], answer["end"]) == ("London", 0, 6)
    assert len(ask(bert, "where is the river?", "London early", top_k=20)) == 3


def test_tokens_of_the_question_are_no_answers(bert: Reader) -> None:
    """The pipeline lets a [CLS] that a user wrote into the question start an answer of the context."""
    answers = ask(bert, "where [CLS] is it?", "in London", top_k=20, align_to_words=False)
    assert {answer["answer"] for answer in answers} == {"in", "in London", "London"}


def test_answers_lie_in_the_original_text(bert: Reader) -> None:
    """Past characters that the tokenizer drops, takes apart or counts otherwise."""
    context = "\u200b\u200b ÄÖÜ\u0308 e\u0301\u0301 👩\u200d👩\u200d👧 日本 ﬁn\u00a0x"
    for align_to_words in (True, False):
        for answer in ask(bert, "what?", context, top_k=20, align_to_words=align_to_words):
            assert context[answer["start"] : answer["end"]] == answer["answer"] != ""


@pytest.mark.parametrize("max_length", [1, 3, 15, 1000])
@pytest.mark.parametrize("count", [1, 7, 10_000])
def test_best_spans_are_those_of_all_pairs(max_length: int, count: int) -> None:
    random = np.random.default_rng(5)
    starts, ends = random.random((2, 30))
    pairs = np.triu(np.outer(starts, ends))
    pairs[np.subtract.outer(np.arange(30), np.arange(30)) <= -max_length] = 0
    firsts, lasts, scores = best_spans(starts, ends, max_length, count)
    expected = np.sort(pairs[pairs > 0])[::-1][:count]
    np.testing.assert_allclose(scores, expected)
    np.testing.assert_allclose(pairs[firsts, lasts], expected)


def test_spans_of_one_text_are_one_answer_where_it_was_first() -> None:
    answers = merge_spans("Rome, ROME", [(6, 10, 0.5), (0, 10, 0.25), (0, 4, 0.125)])
    assert answers == [
        {"score": 0.625, "start": 6, "end": 10, "answer": "ROME"},
        {"score": 0.25, "start": 0, "end": 10, "answer": "Rome, ROME"},
    ]


def test_likeliest_none_of_all_windows_is_the_least(bert: Reader) -> None:
    """As in the pipeline: one window that has an answer is enough for there to be one."""
    reading = bert.read_question("where is it?", "in London " * 200)
    head = make_head(bert.model.config, bert.tokenizer)
    every = QuestionAnsweringParameters(handle_impossible_answer=True, top_k=10_000)  # more than a request may ask for

    def null_score(number: slice) -> float:
        source = TextInput(text="where is it?", text_pair="in London " * 200, param="/inputs")
        part = Reading(source=source, texts=reading.texts[number], rows=reading.rows[number])
        (answers,) = head([part], every)
        return next(float(answer["score"]) for answer in as_list(answers) if answer["answer"] == "")

    windows = range(len(reading.texts))
    assert null_score(slice(None)) == min(null_score(slice(number, number + 1)) for number in windows)
