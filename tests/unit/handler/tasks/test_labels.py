"""Labels that config.json writes as numbers or truth values: texts in every answer, and in every parameter."""

import json
import shutil
from pathlib import Path

import pytest
import torch

from handler.config import HandlerConfig, Task
from handler.engine.model import Engine
from handler.errors import InvalidParameter
from handler.parameters import ExplanationParameters
from handler.payload import Rejected
from handler.pipeline import Pipeline
from handler.tasks.text_classification import ClassificationParameters
from handler.tasks.token_classification import AggregationStrategy, TokenClassificationParameters
from tests.conftest import MakeCheckpoint
from tests.support.asking import ask, value_of
from tests.support.plain_transformers import classify_one_by_one

TEXT = "The café's parcel never came to Zürich."
TOLERANCE = 1e-5  # fp32 against plain transformers
WRITTEN = [({"0": 1, "1": 2, "2": 3}, ["1", "2", "3"]), ({"0": False, "1": 0.5, "2": True}, ["False", "0.5", "True"])]


def _load(plain: Path, folder: Path, task: Task, labels: dict[str, object]) -> Pipeline:
    shutil.copytree(plain, folder)
    config = folder / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text("utf-8")) | {"id2label": labels}), "utf-8")
    return Pipeline(folder, HandlerConfig(task=task, max_tokens=512), torch.device("cpu"), Engine.PACKED)


@pytest.mark.parametrize(("written", "texts"), WRITTEN)
def test_a_classifier_names_them_in_answers_thresholds_and_explanations(
    checkpoint: MakeCheckpoint, tmp_path: Path, written: dict[str, object], texts: list[str]
) -> None:
    plain = checkpoint("bert", Task.TEXT_CLASSIFICATION)
    expected = dict(zip(texts, classify_one_by_one(plain, [TEXT], 512)[0].values(), strict=True))
    pipeline = _load(plain, tmp_path / "model", Task.TEXT_CLASSIFICATION, written)
    everything, one, some, explained, unknown = pipeline.answer(
        [
            ask(TEXT, ClassificationParameters(top_k=None)),
            ask(TEXT, ClassificationParameters(threshold=0.0)),
            ask(TEXT, ClassificationParameters(threshold={texts[0]: 1.0, texts[1]: 1.0})),
            ask(TEXT, ExplanationParameters(target=texts[1], n_steps=4)),
            ask(TEXT, ClassificationParameters(threshold={"negative": 0.5})),
        ]
    )
    assert {item["label"]: item["score"] for item in value_of(everything)} == pytest.approx(expected, abs=TOLERANCE)
    assert value_of(one) == value_of(everything)
    assert [item["label"] for item in value_of(some)] == [texts[2]]
    assert value_of(explained)["label"] == texts[1]
    assert value_of(explained)["score"] == pytest.approx(expected[texts[1]], abs=TOLERANCE)
    assert isinstance(unknown, Rejected)
    assert isinstance(unknown.error, InvalidParameter)
    assert str(unknown.error).endswith(f"this model has {', '.join(texts)}")


@pytest.mark.parametrize("strategy", [AggregationStrategy.NONE, AggregationStrategy.SIMPLE, AggregationStrategy.MAX])
def test_tokens_have_them_too(checkpoint: MakeCheckpoint, tmp_path: Path, strategy: AggregationStrategy) -> None:
    labels: dict[str, object] = {str(number): number for number in range(7)}
    plain = checkpoint("bert", Task.TOKEN_CLASSIFICATION)
    pipeline = _load(plain, tmp_path / "model", Task.TOKEN_CLASSIFICATION, labels)
    every, fewer = pipeline.answer(
        [
            ask(TEXT, TokenClassificationParameters(aggregation_strategy=strategy, ignore_labels=ignored))
            for ignored in ([], ["0", "1", "2"])
        ]
    )
    key = "entity" if strategy is AggregationStrategy.NONE else "entity_group"
    found = [item[key] for item in value_of(every)]
    assert found
    assert set(found) <= {*map(str, range(7))}
    assert {item[key] for item in value_of(fewer)} <= {"3", "4", "5", "6"}
