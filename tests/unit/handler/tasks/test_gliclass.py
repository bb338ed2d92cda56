"""Labels that a model reads with the text get the scores that the package gliclass gives (tests/support/references)."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from handler.config import HandlerConfig, Task
from handler.engine.model import OF_TRANSFORMERS, Engine
from handler.errors import ConfigError, InputTooLong, InvalidParameter
from handler.payload import Rejected
from handler.pipeline import Pipeline
from handler.tasks.zero_shot_classification import ZeroShotParameters
from tests.support.asking import ask, value_of
from tests.support.checkpoints.gliclass import converted_gliclass, make_gliclass
from tests.support.references.gliclass_models import (
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
NO_GLICLASS = "GLINER_PYTHON names no Python with the package gliclass 0.1.21, which gliner 0.2.29 can stand beside"
EXPECTED = expected_answers()


@pytest.fixture(scope="module", params=MODELS)
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Any]]:
    """A model's name, its checkpoint and the settings that it is served with."""
    folder = make_gliclass(tmp_path_factory.mktemp("gliclass") / request.param, **MODELS[request.param])
    with converted_gliclass(folder) as ready:
        yield request.param, ready


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    with converted_gliclass(make_gliclass(tmp_path_factory.mktemp("gliclass") / "bert", **MODELS["bert"])) as ready:
        yield load(ready)


def load(ready: tuple[Path, HandlerConfig], engine: Engine = Engine.PACKED) -> Pipeline:
    return Pipeline(*ready, torch.device("cpu"), engine)


def request_of(case: Case) -> Any:
    return ask(case[0], ZeroShotParameters(candidate_labels=case[1], multi_label=case[2]))


def in_order(answer: Any, labels: list[str]) -> list[float]:
    """The scores as the labels were sent; they are answered best first."""
    found = value_of(answer)
    assert found["scores"] == sorted(found["scores"], reverse=True)
    by_label = dict(zip(found["labels"], found["scores"], strict=True))
    return [by_label[label] for label in labels]


@pytest.mark.parametrize("engine", OF_TRANSFORMERS)
def test_it_scores_as_gliclass_does(model: tuple[str, Any], engine: Engine) -> None:
    pipeline = load(model[1], engine)
    answers = pipeline.answer([request_of(case) for case in CASES])
    asked = [each for each in zip(CASES, answers, EXPECTED[model[0]], strict=True) if each[2] is not None]
    assert len(asked) >= 12
    for (text, labels, _), answer, expected in asked:
        assert value_of(answer)["sequence"] == text
        assert in_order(answer, labels) == pytest.approx(expected, abs=TOLERANCE)


def test_a_text_in_a_batch_is_as_alone(model: tuple[str, Any]) -> None:
    pipeline = load(model[1])
    for case, together in zip(CASES, pipeline.answer([request_of(case) for case in CASES]), strict=True):
        (alone,) = pipeline.answer([request_of(case)])
        assert in_order(together, case[1]) == pytest.approx(in_order(alone, case[1]), abs=TOLERANCE)


@pytest.mark.parametrize("name", ["bert", "behind"])
def test_a_long_text_is_cut_and_told_and_keeps_its_labels(tmp_path: Path, name: str) -> None:
    with converted_gliclass(make_gliclass(tmp_path / name, **MODELS[name])) as ready:
        answers = load(ready).answer([request_of((LONG + more, LABELS, False)) for more in (" and so on", "!")])
        (short,) = load(ready).answer([request_of((SHORT, LABELS, False))])
    assert isinstance(short, list)
    assert not short[0].is_truncated
    assert all(isinstance(answer, list) and answer[0].is_truncated for answer in answers)
    one, other = (in_order(answer, LABELS) for answer in answers)
    assert one == pytest.approx(other, abs=TOLERANCE)


@pytest.mark.parametrize("name", ["bert", "behind"])
def test_tokens_of_labels_in_the_text_are_no_labels(tmp_path: Path, name: str) -> None:
    """As many scores as labels, and of the labels: a text that says one twice makes no other of them."""
    with converted_gliclass(make_gliclass(tmp_path / name, **MODELS[name])) as ready:
        pipeline = load(ready)
        answers = pipeline.answer([request_of((f"{SHORT}{more}", LABELS, True)) for more in ("", "<<LABEL>>x" * 3)])
    plain, spoiled = (in_order(answer, LABELS) for answer in answers)
    assert len(spoiled) == len(LABELS)
    assert spoiled != pytest.approx(plain, abs=TOLERANCE)  # the model reads them all the same


@pytest.mark.parametrize(
    ("parameters", "error", "said", "at"),
    [
        ({"hypothesis_template": "About {}."}, InvalidParameter, "claims nothing", "/parameters/hypothesis_template"),
        ({"candidate_labels": ["a<<LABEL>>b"]}, InvalidParameter, "holds <<LABEL>>", "/parameters/candidate_labels"),
        ({"candidate_labels": ["a<<SEP>>b"]}, InvalidParameter, "or <<SEP>>", "/parameters/candidate_labels"),
        (
            {"candidate_labels": [f"label {number}" for number in range(200)]},
            InputTooLong,
            "the list of candidate_labels has 600 tokens and leaves 0 of 512 for the text beside it, which needs 128",
            "/parameters/candidate_labels",
        ),
    ],
)
def test_what_the_model_cannot_read_is_refused(
    bert: Pipeline, parameters: dict[str, Any], error: type[Exception], said: str, at: str
) -> None:
    whole = {"candidate_labels": LABELS, **parameters}
    refused, good = bert.answer([ask(SHORT, ZeroShotParameters(**whole)), request_of(CASES[0])])
    assert isinstance(refused, Rejected)
    assert isinstance(refused.error, error)
    assert said in refused.error.message
    assert refused.error.param == at
    assert in_order(good, LABELS) == pytest.approx(EXPECTED["bert"][0], abs=TOLERANCE)


def test_as_many_labels_as_fit_beside_a_short_text_are_read(bert: Pipeline) -> None:
    labels = [f"label {number}" for number in range(160)]
    (answer,) = bert.answer([request_of((SHORT, labels, True))])
    assert len(value_of(answer)["labels"]) == 160


def test_settings_are_of_one_task_and_whole(bert: Pipeline) -> None:
    section = bert.config.to_mapping()
    assert HandlerConfig.from_mapping(section) == bert.config
    with pytest.raises(ConfigError, match="candidates are for zero-shot-classification"):
        HandlerConfig.from_mapping(section | {"task": Task.EMBEDDINGS.value})
    for spoiled in ({"scorer": "hopfield"}, {"label_id": "3"}):
        with pytest.raises(ConfigError, match=f"{next(iter(spoiled))} of candidates"):
            HandlerConfig.from_mapping(section | {"candidates": section["candidates"] | spoiled})  # type: ignore[operator]


@pytest.mark.skipif(not PYTHON, reason=NO_GLICLASS)
def test_the_package_still_answers_it(tmp_path: Path) -> None:
    for name, answers in ask_package(PYTHON, make_models(tmp_path)).items():
        for found, expected in zip(answers, EXPECTED[name], strict=True):
            assert found == (None if expected is None else pytest.approx(expected, abs=TOLERANCE))
