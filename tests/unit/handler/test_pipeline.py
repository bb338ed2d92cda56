"""Packed equals padded equals plain transformers; one row in a batch is the same text alone."""

import json
import math
import random
import shutil
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from handler.config import Device, HandlerConfig, Task
from handler.engine.model import OF_TRANSFORMERS, Engine
from handler.engine.placement import Placement, choose_device
from handler.errors import DeadlineExceeded, DeviceError, InputTooLong, InternalError, NotNow
from handler.inputs import TextInput
from handler.parameters import ExplanationParameters
from handler.payload import Answer, Prediction, Rejected, Request
from handler.pipeline import Pipeline
from handler.precision import Precision
from handler.tasks.embeddings import EmbeddingParameters
from handler.tasks.text_classification import ClassificationParameters
from handler.vectors.settings import Kind
from handler.worker.metrics import Stopwatch
from tests.conftest import MakeCheckpoint
from tests.support.asking import ask, value_of
from tests.support.plain_transformers import TextOrPair, classify_one_by_one, embed_one_by_one
from tests.support.texts import mixed_texts

ARCHITECTURES = ("bert", "roberta", "distilbert", "modernbert")  # tests/unit/test_equality.py has all, with fewer texts
TOLERANCE = 1e-5  # fp32 against plain transformers, one by one
MAX_TOKENS = 512
ALL_LABELS = ClassificationParameters(top_k=None)
PAIRS = [("a short question", "its answer"), ("", "b"), ("long " * 300, "also long " * 300)]


def make_pipeline(folder: Path, task: Task, engine: Engine, **settings: Any) -> Pipeline:
    config = HandlerConfig(task=task, max_tokens=MAX_TOKENS, normalize=True, **settings)
    return Pipeline(folder, config, torch.device("cpu"), engine)


def scores_of(answer: Answer) -> dict[str, float]:
    return {item["label"]: item["score"] for item in value_of(answer)}


def random_batches(items: list[Request], seed: int = 3) -> list[list[Request]]:
    """The items in batches of 1 to 40."""
    chooser = random.Random(seed)
    batches = []
    while items:
        size = chooser.randint(1, 40)
        batches.append(items[:size])
        items = items[size:]
    return batches


def answer_in_batches(pipeline: Pipeline, requests: list[Request]) -> list[Answer]:
    return [answer for batch in random_batches(requests) for answer in pipeline.answer(batch)]


@pytest.mark.parametrize("engine", OF_TRANSFORMERS)
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_embeddings_equal_transformers(checkpoint: MakeCheckpoint, architecture: str, engine: Engine) -> None:
    folder = checkpoint(architecture, Task.EMBEDDINGS)
    texts = mixed_texts(200)
    answers = answer_in_batches(
        make_pipeline(folder, Task.EMBEDDINGS, engine), [ask(text, EmbeddingParameters()) for text in texts]
    )
    expected = embed_one_by_one(folder, texts, MAX_TOKENS)
    for answer, vector in zip(answers, expected, strict=True):
        np.testing.assert_allclose(value_of(answer), vector, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("engine", OF_TRANSFORMERS)
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_classification_equals_transformers(checkpoint: MakeCheckpoint, architecture: str, engine: Engine) -> None:
    folder = checkpoint(architecture, Task.TEXT_CLASSIFICATION)
    texts: list[TextOrPair] = [*mixed_texts(200), *PAIRS]
    pipeline = make_pipeline(folder, Task.TEXT_CLASSIFICATION, engine)
    answers = answer_in_batches(pipeline, [ask(text, ALL_LABELS) for text in texts])
    for answer, expected in zip(answers, classify_one_by_one(folder, texts, MAX_TOKENS), strict=True):
        assert scores_of(answer) == pytest.approx(expected, abs=TOLERANCE)


def test_reference_tells_texts_apart(checkpoint: MakeCheckpoint) -> None:
    """The comparisons above would be worth nothing if a random model answered everything alike."""
    folder = checkpoint("bert", Task.TEXT_CLASSIFICATION)
    scores = [result["positive"] for result in classify_one_by_one(folder, mixed_texts(50), MAX_TOKENS)]
    assert np.ptp(scores) > 1000 * TOLERANCE


@pytest.mark.parametrize("engine", OF_TRANSFORMERS)
def test_row_in_a_batch_is_the_text_alone(checkpoint: MakeCheckpoint, engine: Engine) -> None:
    pipeline = make_pipeline(checkpoint("bert", Task.EMBEDDINGS), Task.EMBEDDINGS, engine)
    requests = [ask(text, EmbeddingParameters()) for text in mixed_texts(12)]
    for request, together in zip(requests, pipeline.answer(requests), strict=True):
        (alone,) = pipeline.answer([request])
        np.testing.assert_allclose(value_of(together), value_of(alone), rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("engine", OF_TRANSFORMERS)
def test_token_budget_splits_batches_without_changing_answers(checkpoint: MakeCheckpoint, engine: Engine) -> None:
    folder = checkpoint("roberta", Task.EMBEDDINGS)
    requests = [ask(text, EmbeddingParameters()) for text in mixed_texts(12)]
    tight = make_pipeline(folder, Task.EMBEDDINGS, engine, token_budget=MAX_TOKENS).answer(requests)
    wide = make_pipeline(folder, Task.EMBEDDINGS, engine, token_budget=100_000).answer(requests)
    for one, other in zip(tight, wide, strict=True):
        np.testing.assert_allclose(value_of(one), value_of(other), rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize(
    ("device", "precision", "token_budget"), [("cpu", Precision.FP32, 4096), ("cuda", Precision.BF16, 16384)]
)
def test_device_decides_what_the_config_leaves_open(device: str, precision: Precision, token_budget: int) -> None:
    config = HandlerConfig(task=Task.EMBEDDINGS, max_tokens=512)
    chosen = Placement.choose(config, torch.device(device))
    assert (chosen.precision, chosen.token_budget) == (precision, token_budget)
    long = HandlerConfig(task=Task.EMBEDDINGS, max_tokens=32_768, precision=Precision.FP16)
    assert Placement.choose(long, torch.device(device)).token_budget == 32_768
    assert Placement.choose(long, torch.device(device)).dtype is torch.float16


def test_cuda_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(DeviceError, match="device plugin"):
        choose_device(Device.CUDA, None)
    with pytest.raises(DeviceError, match=r"given GPU 1, but torch sees none: .*; BERTH_DEVICE=cpu serves on the CPU"):
        choose_device(Device.AUTO, 1)
    assert choose_device(Device.CPU, 1) == torch.device("cpu")
    assert choose_device(Device.AUTO, None) == torch.device("cpu")


def test_lists_come_back_in_order(checkpoint: MakeCheckpoint) -> None:
    pipeline = make_pipeline(checkpoint("bert", Task.EMBEDDINGS), Task.EMBEDDINGS, Engine.PADDED)
    texts = mixed_texts(6)
    inputs = tuple(TextInput(text=text, param=f"/inputs/{index}") for index, text in enumerate(texts))
    answer, single = pipeline.answer(
        [Request(inputs=inputs, parameters=EmbeddingParameters()), ask(texts[3], EmbeddingParameters())]
    )
    assert isinstance(answer, list)
    np.testing.assert_allclose(value_of(answer[3:]), value_of(single), rtol=0, atol=TOLERANCE)
    assert len(answer) == len(texts)


def test_refused_truncation_is_one_requests_error(checkpoint: MakeCheckpoint) -> None:
    pipeline = make_pipeline(checkpoint("bert", Task.EMBEDDINGS), Task.EMBEDDINGS, Engine.PACKED)
    long = ask("long " * 600, EmbeddingParameters(truncation=False))
    good, bad, cut = pipeline.answer(
        [ask("short", EmbeddingParameters()), long, ask("long " * 600, EmbeddingParameters())]
    )
    assert isinstance(bad, Rejected)
    assert isinstance(bad.error, InputTooLong)
    assert "602 tokens" in bad.error.message
    assert bad.error.param == "/inputs"
    assert isinstance(good, list)
    assert not good[0].is_truncated
    assert isinstance(cut, list)
    assert cut[0].is_truncated
    assert cut[0].num_tokens == MAX_TOKENS


def test_texts_that_come_too_late_get_not_now(checkpoint: MakeCheckpoint) -> None:
    pipeline = make_pipeline(checkpoint("bert", Task.EMBEDDINGS), Task.EMBEDDINGS, Engine.PACKED)
    (untouched,) = pipeline.answer([ask("text", EmbeddingParameters())], time_limit_s=-1)
    assert isinstance(untouched, Rejected)
    assert isinstance(untouched.error, NotNow)
    (group,) = pipeline._prepare([ask("text", EmbeddingParameters())], math.inf)
    assert isinstance(group, list)
    pipeline._compute(group, 0, Stopwatch())
    assert group[0].outcome is None


def test_a_request_whose_time_is_over_is_not_computed(checkpoint: MakeCheckpoint) -> None:
    pipeline = make_pipeline(checkpoint("bert", Task.TEXT_CLASSIFICATION), Task.TEXT_CLASSIFICATION, Engine.PACKED)
    passes: list[object] = []
    pipeline._model.network.register_forward_pre_hook(lambda *_: passes.append(None))
    predicted, explained = (
        replace(ask("text", parameters), deadline_s=0)
        for parameters in (ClassificationParameters(), ExplanationParameters())
    )
    for answer in pipeline.answer([predicted, explained]):
        assert isinstance(answer, Rejected)
        assert isinstance(answer.error, DeadlineExceeded)
    assert not passes
    late, good = pipeline.answer([predicted, replace(predicted, deadline_s=time.monotonic() + 1000)])
    assert isinstance(late, Rejected)
    assert value_of(good)["label"]


def test_a_text_that_two_requests_share_is_read_while_one_of_them_waits(checkpoint: MakeCheckpoint) -> None:
    pipeline = make_pipeline(checkpoint("bert", Task.EMBEDDINGS), Task.EMBEDDINGS, Engine.PACKED)
    brief, long = (replace(ask("text", EmbeddingParameters()), deadline_s=deadline_s) for deadline_s in (1e12, 1e13))
    groups = pipeline._prepare([brief, long], math.inf)
    brief_input, long_input = (pending for group in groups if isinstance(group, list) for pending in group)
    brief_input.deadline_s = 0  # its time ends after tokenising
    pipeline._compute([brief_input, long_input], math.inf, Stopwatch())
    assert isinstance(long_input.outcome, Prediction)
    assert isinstance(brief_input.outcome, Prediction)  # it is there, so it is sent
    brief_input.outcome = None
    pipeline._compute([brief_input], math.inf, Stopwatch())
    assert brief_input.outcome is None


@pytest.mark.parametrize("side", ["left", "right"])
def test_the_checkpoints_own_side_is_cut(checkpoint: MakeCheckpoint, tmp_path: Path, side: str) -> None:
    folder = tmp_path / "sided"
    shutil.copytree(checkpoint("bert", Task.EMBEDDINGS), folder)
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    (folder / "tokenizer_config.json").write_text(json.dumps(settings | {"truncation_side": side}))
    text = "first " * 400 + "last " * 400
    (answer,) = make_pipeline(folder, Task.EMBEDDINGS, Engine.PACKED).answer([ask(text, EmbeddingParameters())])
    np.testing.assert_allclose(value_of(answer), embed_one_by_one(folder, [text], MAX_TOKENS)[0], atol=TOLERANCE)


def test_failing_forward_is_the_error_of_its_batch_only(
    checkpoint: MakeCheckpoint, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    pipeline = make_pipeline(
        checkpoint("bert", Task.EMBEDDINGS), Task.EMBEDDINGS, Engine.PACKED, token_budget=MAX_TOKENS
    )
    forward = pipeline._model.forward

    def fail_on_long(batch):  # the one seam: a device fault cannot be had from a healthy CPU
        if batch.num_tokens > 100:
            raise RuntimeError("the device is gone")
        return forward(batch)

    monkeypatch.setattr(pipeline._model, "forward", fail_on_long)
    short, long = pipeline.answer([ask("short", EmbeddingParameters()), ask("long " * 600, EmbeddingParameters())])
    assert isinstance(short, list)
    assert isinstance(short[0], Prediction)
    assert isinstance(long, Rejected)
    assert isinstance(long.error, InternalError)
    assert "the device is gone" in caplog.text


def test_a_kind_of_vectors_that_is_not_made_costs_no_forward_pass(
    checkpoint: MakeCheckpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline = make_pipeline(checkpoint("bert", Task.EMBEDDINGS), Task.EMBEDDINGS, Engine.PACKED)
    monkeypatch.setattr(pipeline._model, "forward", lambda _: pytest.fail("the text was read"))
    (answer,) = pipeline.answer([ask("text", EmbeddingParameters(vectors=Kind.SPARSE))])
    assert isinstance(answer, Rejected)
    assert (answer.error.status, answer.error.param) == (422, "/parameters/vectors")


def test_answer_that_is_not_finite_is_an_error(checkpoint: MakeCheckpoint) -> None:
    pipeline: Any = make_pipeline(checkpoint("bert", Task.EMBEDDINGS), Task.EMBEDDINGS, Engine.PACKED)
    with torch.no_grad():
        pipeline._model.network.embeddings.LayerNorm.bias.fill_(torch.nan)
    (answer,) = pipeline.answer([ask("text", EmbeddingParameters())])
    assert isinstance(answer, Rejected)
    assert "not finite" in answer.error.message
