"""Several heads on one encoder: each answers as transformers does with the checkpoint that it came from."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModelForSequenceClassification
from transformers import pipeline as hf_pipeline

from handler.config import HandlerConfig, Task
from handler.engine.heads.shells import make_shell
from handler.engine.model import OF_TRANSFORMERS, Engine
from handler.engine.placement import Placement
from handler.errors import ConfigError
from handler.inputs import TextInput
from handler.parameters import ExplanationParameters
from handler.payload import Rejected, Request
from handler.pipeline import Pipeline
from handler.tasks.text_classification import ClassificationParameters
from handler.tasks.token_classification import TokenClassificationParameters
from tests.conftest import MakeCheckpoint
from tests.support.checkpoints.heads import is_head, make_sibling

LABELS = {"topic": ("sport", "politics", "money", "weather"), "spam": ("ham", "spam"), "risk": ("risk",)}
TEXTS = ("hello world", "The tide turns at nine.", "A berth is the place where a ship lies. " * 6)
CLASSES = ("bert", "roberta", "distilbert", "electra", "albert", "mpnet", "deberta-v2", "modernbert")


def put_heads(base: Path, siblings: dict[str, Path], folder: Path) -> Path:
    """The archive's folder `checkpoint`: the base, and of each sibling its config and the weights of its head."""
    folder.mkdir(parents=True)
    for file in base.iterdir():
        (folder / file.name).symlink_to(file)
    for name, sibling in siblings.items():
        own = folder / "heads" / name
        own.mkdir(parents=True)
        (own / "config.json").write_bytes((sibling / "config.json").read_bytes())
        weights = load_file(sibling / "model.safetensors")
        prefix = AutoModelForSequenceClassification.from_pretrained(base).base_model_prefix
        save_file({key: value for key, value in weights.items() if is_head(key, prefix)}, own / "head.safetensors")
    return folder


def make_siblings(base: Path, folder: Path, task: Task) -> dict[str, Path]:
    return {
        name: make_sibling(base, folder / name, labels, seed=seed, task=task)
        for seed, (name, labels) in enumerate(LABELS.items())
    }


def load(folder: Path, task: Task, engine: Engine = Engine.PACKED) -> Pipeline:
    config = HandlerConfig(task=task, max_tokens=128, heads=("own", *LABELS))
    return Pipeline(folder, config, torch.device("cpu"), engine)


def ask(texts: Sequence[str], parameters: Any) -> Request:
    return Request(inputs=tuple(TextInput(text=text, param="/inputs") for text in texts), parameters=parameters)


def values(answer: Any) -> list[Any]:
    assert not isinstance(answer, Rejected), answer.error.message
    return [prediction.value for prediction in answer]


@pytest.mark.parametrize("engine", OF_TRANSFORMERS)
@pytest.mark.parametrize("architecture", CLASSES)
def test_each_head_answers_as_its_own_checkpoint(
    checkpoint: MakeCheckpoint, tmp_path: Path, architecture: str, engine: Engine
) -> None:
    base = checkpoint(architecture, Task.TEXT_CLASSIFICATION)
    siblings = make_siblings(base, tmp_path, Task.TEXT_CLASSIFICATION)
    served = load(put_heads(base, siblings, tmp_path / "checkpoint"), Task.TEXT_CLASSIFICATION, engine)
    names = [None, *LABELS]
    requests = [ask(TEXTS, ClassificationParameters(head=name, top_k=None)) for name in names]  # all in one batch
    for name, answer in zip(names, served.answer(requests), strict=True):
        place = base if name is None else siblings[name]
        plain: Any = hf_pipeline("text-classification", str(place), top_k=None, device="cpu")
        for got, wanted in zip(values(answer), plain(list(TEXTS)), strict=True):
            assert [each["label"] for each in got] == [each["label"] for each in wanted]
            assert [each["score"] for each in got] == pytest.approx([each["score"] for each in wanted], abs=1e-5)
    assert served.labels == served.heads["own"]
    assert served.heads["topic"] == list(LABELS["topic"])


def test_each_head_labels_tokens_as_its_own_checkpoint(checkpoint: MakeCheckpoint, tmp_path: Path) -> None:
    base = checkpoint("bert", Task.TOKEN_CLASSIFICATION)
    siblings = make_siblings(base, tmp_path, Task.TOKEN_CLASSIFICATION)
    served = load(put_heads(base, siblings, tmp_path / "checkpoint"), Task.TOKEN_CLASSIFICATION)
    answers = served.answer([ask(TEXTS, TokenClassificationParameters(head=name)) for name in LABELS])
    for name, answer in zip(LABELS, answers, strict=True):
        plain: Any = hf_pipeline("token-classification", str(siblings[name]), device="cpu")
        for got, wanted in zip(values(answer), plain(list(TEXTS)), strict=True):
            assert [(each["word"], each["entity"]) for each in got] == [(w["word"], w["entity"]) for w in wanted]
            assert [each["score"] for each in got] == pytest.approx([w["score"] for w in wanted], abs=1e-5)


@pytest.fixture(scope="module")
def made(checkpoint: MakeCheckpoint, tmp_path_factory: pytest.TempPathFactory) -> tuple[Pipeline, dict[str, Path]]:
    base, folder = checkpoint("bert", Task.TEXT_CLASSIFICATION), tmp_path_factory.mktemp("heads")
    siblings = make_siblings(base, folder, Task.TEXT_CLASSIFICATION)
    return load(put_heads(base, siblings, folder / "checkpoint"), Task.TEXT_CLASSIFICATION), siblings


def test_a_text_that_is_sent_to_all_heads_is_read_once(
    made: tuple[Pipeline, dict[str, Path]], monkeypatch: pytest.MonkeyPatch
) -> None:
    served, _ = made
    seen: list[int] = []
    forward = served.model.forward

    def count_texts(batch: Any) -> Any:
        seen.append(len(batch.texts))
        return forward(batch)

    monkeypatch.setattr(served.model, "forward", count_texts)
    served.answer([ask(["hello world"], ClassificationParameters(head=name)) for name in ("own", *LABELS)])
    assert seen == [1]


def test_an_unknown_head_is_one_requests_error_and_lists_the_heads(made: tuple[Pipeline, dict[str, Path]]) -> None:
    served, _ = made
    requests = [ask(TEXTS[:1], ClassificationParameters(head=name)) for name in ("topics", "topic")]
    refused, answer = served.answer([requests[0], requests[1]])
    assert isinstance(refused, Rejected)
    assert (refused.error.status, refused.error.param) == (422, "/parameters/head")
    assert refused.error.message == "unknown head 'topics'; this model has own, topic, spam, risk"
    assert values(answer)


def test_a_model_of_one_head_says_so(checkpoint: MakeCheckpoint) -> None:
    config = HandlerConfig(task=Task.TEXT_CLASSIFICATION, max_tokens=128)
    base = checkpoint("bert", Task.TEXT_CLASSIFICATION)
    served = Pipeline(base, config, torch.device("cpu"), Engine.PACKED)
    (refused,) = served.answer([ask(TEXTS[:1], ClassificationParameters(head="topic"))])
    assert isinstance(refused, Rejected)
    assert refused.error.message == "unknown head 'topic'; this model has only one, without a name"
    assert served.heads == {}


def test_an_explanation_is_of_the_head_that_is_named(made: tuple[Pipeline, dict[str, Path]]) -> None:
    served, siblings = made
    (answer,) = served.answer([ask(TEXTS[1:2], ExplanationParameters(head="spam", target="spam", n_steps=2))])
    (value,) = values(answer)
    plain: Any = hf_pipeline("text-classification", str(siblings["spam"]), top_k=None, device="cpu")
    wanted = {each["label"]: each["score"] for each in plain([TEXTS[1]])[0]}
    assert value["label"] == "spam"
    assert value["score"] == pytest.approx(wanted["spam"], abs=1e-5)


def test_weights_that_are_no_heads_are_refused(checkpoint: MakeCheckpoint, tmp_path: Path) -> None:
    base = checkpoint("bert", Task.TEXT_CLASSIFICATION)
    folder = put_heads(base, make_siblings(base, tmp_path, Task.TEXT_CLASSIFICATION), tmp_path / "checkpoint")
    save_file({"classifier.scale": torch.ones(1)}, folder / "heads" / "topic" / "head.safetensors")
    with pytest.raises(ConfigError, match="do not fit its class: classifier"):
        load(folder, Task.TEXT_CLASSIFICATION)


def test_what_a_head_has_not_is_shared_with_the_checkpoint(made: tuple[Pipeline, dict[str, Path]]) -> None:
    network, config = made[0].model.network, AutoConfig.from_pretrained(made[1]["spam"])
    placement = Placement.choose(made[0].config, torch.device("cpu"))
    weights = {"classifier.weight": torch.ones(2, 64), "classifier.bias": torch.zeros(2)}
    shell: Any = make_shell(network, AutoModelForSequenceClassification, config, weights, placement)
    assert shell.bert.pooler.dense.weight.data_ptr() == network.bert.pooler.dense.weight.data_ptr()
    assert [name for name, _ in shell.named_parameters() if "layer" in name] == []
