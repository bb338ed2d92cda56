"""Scores as transformers.pipeline gives them."""

from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer, TextClassificationPipeline

from handler.config import HandlerConfig, ScoreFunction, Task
from handler.engine.model import Engine
from handler.pipeline import Pipeline
from handler.tasks.scores import sigmoid, softmax
from handler.tasks.text_classification import ClassificationParameters, default_function
from tests.support.asking import ask, value_of
from tests.support.checkpoints import make_checkpoint

TOLERANCE = 1e-5  # fp32 against plain transformers
PROBLEMS = ["single_label_classification", "multi_label_classification", "regression", None]


@pytest.mark.parametrize("top_k", ["absent", 1, 2, 50, None])
@pytest.mark.parametrize("problem_type", PROBLEMS)
def test_classification_has_the_shape_of_the_pipeline(tmp_path, problem_type: str | None, top_k: object) -> None:
    folder = make_checkpoint(tmp_path, "bert", Task.TEXT_CLASSIFICATION, problem_type=problem_type)
    config = HandlerConfig(task=Task.TEXT_CLASSIFICATION, max_tokens=512)
    ours = Pipeline(folder, config, torch.device("cpu"), Engine.PACKED)
    chosen: dict[str, Any] = {} if top_k == "absent" else {"top_k": top_k}
    theirs = TextClassificationPipeline(
        model=AutoModelForSequenceClassification.from_pretrained(folder),
        tokenizer=AutoTokenizer.from_pretrained(folder),
    )
    (answer,) = ours.answer([ask("hello world", ClassificationParameters(**chosen))])
    assert_same(value_of(answer), theirs(["hello world"], **chosen)[0])


def assert_same(value: Any, expected: Any) -> None:
    assert type(value) is type(expected)
    pairs = zip(value, expected, strict=True) if isinstance(value, list) else [(value, expected)]
    for one, other in pairs:
        assert one["label"] == other["label"]
        assert one["score"] == pytest.approx(other["score"], abs=TOLERANCE)


def test_default_function_is_transformers_rule() -> None:
    assert default_function("regression", 1) is ScoreFunction.NONE
    assert default_function("multi_label_classification", 3) is ScoreFunction.SIGMOID
    assert default_function(None, 1) is ScoreFunction.SIGMOID
    assert default_function(None, 2) is ScoreFunction.SOFTMAX


@pytest.mark.parametrize("function", [softmax, sigmoid])
def test_scores_of_extreme_logits_are_finite(function) -> None:
    assert np.isfinite(function(np.array([-1e4, 0.0, 1e4]))).all()
