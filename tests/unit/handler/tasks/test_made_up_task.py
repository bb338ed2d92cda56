"""A task is one record: a made-up one is asked through the doors and answered by the engine, and no file knows it."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from berth.openapi.document import make_document
from handler.config import HandlerConfig, Task
from handler.engine.model import Engine
from handler.errors import InvalidParameter
from handler.inputs import PairObject, TextInput
from handler.parameters import Parameters
from handler.payload import Request
from handler.pipeline import Pipeline
from handler.tasks import TASKS
from handler.tasks.kind import Head, Reading, Reads, TaskKind, one_by_one
from handler.tasks.scores import labels_of
from handler.text.passages import Layout, Passages, TextPair
from tests.support.asking import value_of
from tests.support.calls import read, refused
from tests.support.checkpoints import make_checkpoint


class DoubtParameters(Parameters, frozen=True, kw_only=True):
    """How sure is the model? The distance of its two best logits."""

    names_rivals: bool = False
    """Name the two labels too."""


class Doubt(msgspec.Struct, kw_only=True):
    """The distance."""

    distance: float


def plan(source: TextInput, _: DoubtParameters, config: HandlerConfig) -> Passages:
    return Passages(pairs=(TextPair(text=source.text),), layout=Layout(max_tokens=config.max_tokens))


def make_head(hf_config: Any, *_: Any) -> Head[DoubtParameters]:
    labels = labels_of(hf_config)

    @one_by_one
    def head(reading: Reading, parameters: DoubtParameters) -> dict[str, object]:
        (row,) = reading.rows
        best, second = (-row).argsort()[:2]
        distance = float(row[best] - row[second])
        if not parameters.names_rivals:
            return {"distance": distance}
        return {"distance": distance, "rivals": [labels[best], labels[second]]}

    return head


# Its name is borrowed: a Task is a word in config.py, which a test cannot add to.
DOUBT = TaskKind(
    task=Task.TEXT_CLASSIFICATION,
    input_object=PairObject,
    parameters=DoubtParameters,
    plan=plan,
    reads=Reads.TEXT_LOGITS,
    make_head=make_head,
    results=(Doubt,),
)


@pytest.fixture(autouse=True)
def made_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TASKS, DOUBT.task, DOUBT)


def ask_door(**parameters: object) -> Request:
    return read({"instances": ["hello world"], "parameters": parameters}, task=DOUBT.task)


def test_doors_read_its_parameters_and_refuse_others() -> None:
    assert ask_door(names_rivals=True).parameters == DoubtParameters(names_rivals=True)
    error, _ = refused({"instances": ["hello"], "parameters": {"top_k": 1}}, task=DOUBT.task)
    assert isinstance(error, InvalidParameter)
    assert error.message.endswith("takes the parameters names_rivals")


@torch.inference_mode()
def test_the_engine_answers_as_its_head_says(tmp_path: Path) -> None:
    folder = make_checkpoint(tmp_path, "bert", DOUBT.task)
    pipeline = Pipeline(folder, HandlerConfig(task=DOUBT.task, max_tokens=512), torch.device("cpu"), Engine.PACKED)
    (answer,) = pipeline.answer([ask_door(names_rivals=True)])
    model = AutoModelForSequenceClassification.from_pretrained(folder)
    logits = model(**AutoTokenizer.from_pretrained(folder)("hello world", return_tensors="pt")).logits[0]
    best, second = logits.topk(2).indices.tolist()
    assert value_of(answer)["distance"] == pytest.approx(float(logits[best] - logits[second]), abs=1e-5)
    assert value_of(answer)["rivals"] == [model.config.id2label[best], model.config.id2label[second]]


def test_the_openapi_document_shows_it() -> None:
    schemas = make_document()["components"]["schemas"]
    assert list(schemas["DoubtParameters"]["properties"]) == ["names_rivals"]
    assert "Doubt" in schemas
    assert "ClassificationParameters" not in schemas
