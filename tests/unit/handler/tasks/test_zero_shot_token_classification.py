"""Entities of types that a request names are those that the package gliner finds (tests/support/references)."""

import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from handler.config import HandlerConfig
from handler.engine.model import OF_TRANSFORMERS, Engine
from handler.engine.pending import Pending
from handler.errors import InputTooLong, InvalidParameter, TooManyInputs, TooManyTokens
from handler.payload import Rejected
from handler.pipeline import Pipeline
from handler.tasks.zero_shot_token_classification import ZeroShotTokenParameters
from tests.support.asking import ask, value_of
from tests.support.checkpoints.gliner import converted_gliner, make_gliner
from tests.support.references.gliner_models import (
    CASES,
    LABELS,
    LONG,
    MODELS,
    SHORT,
    Case,
    ask_package,
    expected_answers,
    make_models,
)

TOLERANCE = 1e-5
PYTHON = os.environ.get("GLINER_PYTHON", "")
NO_GLINER = "GLINER_PYTHON names no Python with the package gliner 0.2.29, whose pins are not berth's"
EXPECTED = expected_answers()


def parameters_of(case: Case) -> ZeroShotTokenParameters:
    return ZeroShotTokenParameters(candidate_labels=case[1], **case[2])


def compare(pipeline: Pipeline, case: Case, expected: list[Any]) -> None:
    """The same spans and types in the same order, with the same scores."""
    found = value_of(pipeline.answer([ask(case[0], parameters_of(case))])[0])
    assert [(each["start"], each["end"], each["entity_group"]) for each in found] == [
        (start, end, label) for start, end, label, _ in expected
    ]
    assert all(each["word"] == case[0][each["start"] : each["end"]] for each in found)
    scores = [each["score"] for each in found]
    assert scores == pytest.approx([score for *_, score in expected], abs=TOLERANCE)


@pytest.fixture(scope="module", params=MODELS)
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Any]]:
    """A model's name, its checkpoint and the settings that it is served with."""
    folder = make_gliner(tmp_path_factory.mktemp("gliner") / request.param, **MODELS[request.param])
    with converted_gliner(folder) as ready:
        yield request.param, ready


def load(ready: tuple[Path, HandlerConfig], engine: Engine = Engine.PACKED) -> Pipeline:
    return Pipeline(*ready, torch.device("cpu"), engine)


@pytest.mark.parametrize("engine", OF_TRANSFORMERS)
def test_it_finds_what_gliner_finds(model: tuple[str, Any], engine: Engine) -> None:
    pipeline = load(model[1], engine)
    assert any(EXPECTED[model[0]])
    for case, expected in zip(CASES, EXPECTED[model[0]], strict=True):
        compare(pipeline, case, expected)


def test_texts_in_one_batch_are_as_those_alone(model: tuple[str, Any]) -> None:
    pipeline = load(model[1])
    answers = pipeline.answer([ask(case[0], parameters_of(case)) for case in CASES])
    for case, answer in zip(CASES, answers, strict=True):
        alone = value_of(pipeline.answer([ask(case[0], parameters_of(case))])[0])
        together = value_of(answer)
        assert [each | {"score": 0} for each in together] == [each | {"score": 0} for each in alone]
        assert [each["score"] for each in together] == pytest.approx([each["score"] for each in alone], abs=TOLERANCE)


@pytest.mark.skipif(not PYTHON, reason=NO_GLINER)
def test_the_package_still_finds_it(tmp_path: Path) -> None:
    for name, answers in ask_package(PYTHON, make_models(tmp_path)).items():
        for found, expected in zip(answers, EXPECTED[name], strict=True):
            assert [each[:3] for each in found] == [each[:3] for each in expected]
            assert [each[3] for each in found] == pytest.approx([each[3] for each in expected], abs=TOLERANCE)


def test_a_long_text_is_read_in_windows_and_none_of_it_is_cut(model: tuple[str, Any]) -> None:
    name, (_, config) = model
    pipeline = load(model[1])
    (answer,) = pipeline.answer([ask(LONG, ZeroShotTokenParameters(candidate_labels=LABELS))])
    assert isinstance(answer, list)
    assert not answer[0].is_truncated
    assert value_of(answer)[-1]["end"] > len(LONG) - 100
    assert config.spans is not None
    assert (len(LONG.split()) > config.spans.max_words) is (name != "deberta")


def test_a_word_that_the_tokenizer_leaves_nothing_of_moves_no_other(tmp_path: Path) -> None:
    """BERT's takes a zero-width joiner away; gliner counts it as a word, and names what stands one word behind."""
    index = next(index for index, case in enumerate(CASES) if "👩🔬" in case[0] and not case[2])
    text, expected = CASES[index][0], EXPECTED["bert"][index]
    place = text.index("🔬")
    joined = f"{text[:place]}\u200d{text[place:]}"
    moved = [[start + (start >= place), end + (end > place), *rest] for start, end, *rest in expected]
    assert any(end > place for _, end, *_ in moved)
    with converted_gliner(make_gliner(tmp_path / "bert", **MODELS["bert"])) as ready:
        compare(load(ready), (joined, LABELS, {}), moved)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    """A BERT that takes 512 tokens and 60 words."""
    with converted_gliner(make_gliner(tmp_path_factory.mktemp("small") / "bert", **MODELS["bert"])) as ready:
        yield load(ready)


def refused(pipeline: Pipeline, text: str, **parameters: Any) -> Any:
    (answer,) = pipeline.answer([ask(text, ZeroShotTokenParameters(**({"candidate_labels": LABELS} | parameters)))])
    assert isinstance(answer, Rejected)
    return answer.error


def test_labels_that_leave_no_room_for_the_text_are_refused(small: Pipeline) -> None:
    error = refused(small, SHORT, candidate_labels=[f"type number {number}" for number in range(120)])
    assert isinstance(error, InputTooLong)
    assert error.param == "/parameters/candidate_labels"
    fit = int(re.findall(r"the 120 labels have .* about (\d+) of this length fit into one", error.message)[0])
    labels = [f"type number {number}" for number in range(fit)]
    value_of(small.answer([ask(SHORT, ZeroShotTokenParameters(candidate_labels=labels))])[0])


def test_as_many_labels_as_there_may_be_do_not_fit_into_berts_window(small: Pipeline) -> None:
    error = refused(small, SHORT, candidate_labels=[str(number) for number in range(256)])
    assert "the 256 labels have" in error.message
    assert "leave 0 of 512 for the text, which needs 128" in error.message


@pytest.mark.parametrize("engine", OF_TRANSFORMERS)
def test_one_input_alone_waits_for_its_other_windows(
    tmp_path: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Scores of spans are many: those of one input are held, and not those of a whole batch."""
    incomplete: set[int] = set()
    most: list[int] = []
    take = Pending.take

    def watch(self: Pending, slot: int, row: Any) -> bool:
        is_complete = take(self, slot, row)
        (incomplete.discard if is_complete else incomplete.add)(id(self))
        most.append(len(incomplete))
        return is_complete

    monkeypatch.setattr(Pending, "take", watch)
    texts = [" ".join(f"{number}{word}" for word in LONG.split()) for number in range(3)]
    with converted_gliner(make_gliner(tmp_path / "bert", **MODELS["bert"])) as (folder, config):
        pipeline = load((folder, replace(config, token_budget=config.max_tokens)), engine)
        asked = [ask(text, ZeroShotTokenParameters(candidate_labels=LABELS)) for text in texts]
        for answer in pipeline.answer(asked):
            value_of(answer)
    assert len(most) > 3  # there are windows
    assert max(most) == 1


def test_a_text_of_too_many_words_is_refused_before_it_is_read(small: Pipeline) -> None:
    error = refused(small, "a " * (256 * 60 + 1))
    assert isinstance(error, TooManyInputs)
    assert "15361 words, and 15360 are the most" in error.message


def test_a_text_of_too_many_scores_is_refused(small: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("handler.text.words.MAX_SPAN_SCORES_PER_INPUT", 3 * 10)
    assert isinstance(refused(small, SHORT), TooManyTokens)


def test_a_threshold_that_lets_too_much_through_is_refused(small: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    error = refused(small, SHORT, threshold=0, flat_ner=False, multi_label=True)
    assert isinstance(error, InvalidParameter)
    assert "one for each token" in error.message
    monkeypatch.setattr("handler.tasks.zero_shot_token_classification.MAX_CANDIDATES", 9)
    error = refused(small, SHORT, threshold=0)
    assert (error.param, "more than 9 spans" in error.message) == ("/parameters/threshold", True)


def test_entities_that_quote_a_long_word_again_and_again_are_refused(small: Pipeline) -> None:
    """BERT reads one [UNK] of it, so that nothing else bounds what is answered."""
    labels = [f"{first}{second}" for first in "abcdefgh" for second in "aeiou"]
    error = refused(small, "x" * 100_000, candidate_labels=labels, threshold=0, multi_label=True)
    assert isinstance(error, InvalidParameter)
    assert "together more than 16 times the text" in error.message


def test_labels_are_told_as_a_string_too_and_each_counts_once() -> None:
    assert ZeroShotTokenParameters(candidate_labels=" a, b ,,a").labels == ("a", "b")
    assert ZeroShotTokenParameters(candidate_labels=["b", "a", "b"]).labels == ("b", "a")
    with pytest.raises(ValueError, match="at least one label"):
        ZeroShotTokenParameters(candidate_labels=" , ")
    with pytest.raises(ValueError, match="at most 256"):
        ZeroShotTokenParameters(candidate_labels=",".join(map(str, range(257))))
    with pytest.raises(ValueError, match="a label of 201 characters, and at most 200"):
        ZeroShotTokenParameters(candidate_labels=f"a, {'x' * 201}")


def test_a_word_longer_than_a_window_is_cut_and_that_is_told(small: Pipeline) -> None:
    (answer,) = small.answer([ask(f"{SHORT} {'東' * 600} {SHORT}", ZeroShotTokenParameters(candidate_labels=LABELS))])
    assert isinstance(answer, list)
    assert answer[0].is_truncated


def test_equal_tokens_of_other_words_are_not_read_as_one(small: Pipeline) -> None:
    texts = ("well-known words here", "well - known words here")
    answers = small.answer([ask(text, ZeroShotTokenParameters(candidate_labels=LABELS, threshold=0)) for text in texts])
    first, second = (answer[0].num_tokens for answer in answers if isinstance(answer, list))
    assert first == second
    for text, answer in zip(texts, answers, strict=True):
        alone = small.answer([ask(text, ZeroShotTokenParameters(candidate_labels=LABELS, threshold=0))])[0]
        assert [each["word"] for each in value_of(answer)] == [each["word"] for each in value_of(alone)]
