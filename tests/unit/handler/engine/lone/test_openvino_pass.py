"""A lone short text is read by OpenVINO where somebody asked for that, and gets transformers' own answer."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
import torch

from handler.choose_engine import load_pipeline
from handler.config import HandlerConfig, LoneTexts, Task
from handler.engine.lone.openvino_pass import MOST_TOKENS, LonePass
from handler.engine.packing import PackedBatch
from handler.errors import ConfigError
from handler.pipeline import Pipeline
from handler.precision import Precision
from handler.tasks import TASKS
from tests.conftest import MakeCheckpoint
from tests.support.asking import ask, value_of
from tests.support.equality.cells import ENVIRONMENT, cases, known_answers, parse, questions
from tests.support.equality.cells import value_of as json_of
from tests.support.equality.compare import largest_difference
from tests.support.references.make_checkpoints import make_question_checkpoint

CELLS = [
    *product(("bert", "roberta", "xlm-roberta", "camembert", "distilbert", "electra"), [Task.EMBEDDINGS]),
    ("bert", Task.TEXT_CLASSIFICATION),
    ("distilbert", Task.TOKEN_CLASSIFICATION),
]
TOLERANCE = 1e-5
ENOUGH_TOKENS = 512


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def read_alone(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Tokens of each text that OpenVINO reads from now on."""
    read: list[int] = []
    forward = LonePass.forward

    def watch(self: LonePass, batch: PackedBatch) -> Any:
        read.append(batch.num_tokens)
        return forward(self, batch)

    monkeypatch.setattr(LonePass, "forward", watch)
    return read


def load(folder: Path, task: Task, **settings: Any) -> Pipeline:
    config = HandlerConfig(task=task, max_tokens=ENOUGH_TOKENS, **settings)
    environment = replace(ENVIRONMENT, lone_texts=LoneTexts.OPENVINO)
    return load_pipeline(folder, config, environment, None, known_answers(folder, task))


def embed(pipeline: Pipeline, *texts: str) -> list[Any]:
    parameters = TASKS[Task.EMBEDDINGS].parameters()
    return [value_of(answer) for answer in pipeline.answer([ask(text, parameters) for text in texts])]


@pytest.mark.parametrize(("architecture", "task"), CELLS)
def test_answers_are_transformers_own(
    checkpoint: MakeCheckpoint, read_alone: list[int], architecture: str, task: Task
) -> None:
    folder = checkpoint(architecture, task)
    pipeline = load(folder, task)
    assert pipeline.describe()["lone_texts"] == "openvino"
    read_alone.clear()
    for case, expected in cases(folder, task):
        (answer,) = pipeline.answer([parse(case, task)])
        assert largest_difference(json_of(answer), expected) < TOLERANCE
    assert read_alone


def test_spans_are_found_as_ever(tmp_path: Path, read_alone: list[int]) -> None:
    make_question_checkpoint(tmp_path, "bert")
    pipeline = load(tmp_path, Task.QUESTION_ANSWERING)
    read_alone.clear()
    for case, expected in questions("bert"):
        (answer,) = pipeline.answer([parse(case, Task.QUESTION_ANSWERING)])
        assert largest_difference(json_of(answer), expected) < TOLERANCE
    assert read_alone


def test_several_texts_and_long_ones_are_torchs(checkpoint: MakeCheckpoint, read_alone: list[int]) -> None:
    pipeline = load(checkpoint("bert", Task.EMBEDDINGS), Task.EMBEDDINGS)
    read_alone.clear()
    embed(pipeline, "one", "and another")
    embed(pipeline, "word " * (MOST_TOKENS + 1))
    assert read_alone == []
    embed(pipeline, "one")
    assert len(read_alone) == 1


def test_a_smaller_share_of_the_cores_is_followed(checkpoint: MakeCheckpoint) -> None:
    pipeline = load(checkpoint("bert", Task.EMBEDDINGS), Task.EMBEDDINGS)
    (alone,) = embed(pipeline, "some text")
    torch.set_num_threads(2)
    (shared,) = embed(pipeline, "some text")
    assert abs(alone - shared).max() < TOLERANCE


def test_layers_that_depend_on_a_length_stay_torchs(checkpoint: MakeCheckpoint, read_alone: list[int]) -> None:
    pipeline = load(checkpoint("albert", Task.EMBEDDINGS), Task.EMBEDDINGS)
    assert pipeline.describe()["lone_texts"] == "torch, for OpenVINO cannot: its layers are not BERT's own"
    embed(pipeline, "one")
    assert read_alone == []


def test_in_another_precision_lone_texts_have_their_neighbours_numbers(checkpoint: MakeCheckpoint) -> None:
    pipeline = load(checkpoint("bert", Task.EMBEDDINGS), Task.EMBEDDINGS, precision=Precision.BF16)
    assert pipeline.describe()["lone_texts"] == "torch, for OpenVINO cannot: the model is not packed, or not in fp32"


def test_other_answers_are_never_given(checkpoint: MakeCheckpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    forward = LonePass.forward
    monkeypatch.setattr(LonePass, "forward", lambda *given: [row + 1 for row in forward(*given)])
    pipeline = load(checkpoint("bert", Task.EMBEDDINGS), Task.EMBEDDINGS)
    assert "it gives other answers: the difference is 1" in str(pipeline.describe()["lone_texts"])
    monkeypatch.setattr(LonePass, "forward", lambda *_: pytest.fail("it is not to be asked"))
    embed(pipeline, "one")


def test_where_it_fails_later_torch_reads_on(checkpoint: MakeCheckpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline = load(checkpoint("bert", Task.EMBEDDINGS), Task.EMBEDDINGS)
    (expected,) = embed(pipeline, "one")
    tried = Mock(side_effect=RuntimeError("no memory"))
    monkeypatch.setattr(LonePass, "forward", tried)
    for _ in range(2):
        (found,) = embed(pipeline, "one")
        assert abs(found - expected).max() < TOLERANCE
    assert tried.call_count == 1


def test_nobody_is_told() -> None:
    code = (
        "import sys; from handler.engine.lone.openvino_pass import import_openvino; import_openvino();"
        "from openvino.tools.ovc.convert_impl import tm; print(tm.__name__)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "openvino.tools.ovc.telemetry_stub"


def test_without_the_package_the_worker_says_what_to_install(
    checkpoint: MakeCheckpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(ConfigError, match=r"has no such package: `pip install 'berth\[openvino\]'`"):
        load(checkpoint("bert", Task.EMBEDDINGS), Task.EMBEDDINGS)
