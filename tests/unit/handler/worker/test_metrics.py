"""One table of metrics: the handler's samples, TorchServe's declaration and the document agree."""

import re
import socket
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import yaml

from handler.config import HandlerConfig, Task
from handler.engine.model import Engine
from handler.errors import InternalError, NotParseable, ResponseTooLarge
from handler.payload import Answered, DeepCheck, Prediction, Rejected, Response
from handler.pipeline import Pipeline
from handler.tasks.embeddings import EmbeddingParameters
from handler.worker.metrics import (
    BATCHES_TOTAL,
    ERROR_CODES,
    ERRORS_TOTAL,
    FIRST_SAMPLES,
    FORWARD_SECONDS,
    METRICS,
    MODEL_LABELS,
    REQUEST_SECONDS,
    REQUESTS_TOTAL,
    TOKENIZE_SECONDS,
    TOKENS_TOTAL,
    Emitter,
    Kind,
    Sample,
    Stopwatch,
    count_batch,
)
from tests.conftest import MakeCheckpoint
from tests.support.asking import ask

ROOT = Path(__file__).parents[4]
DECLARED = ROOT / "berth" / "serve" / "metrics.yaml"
REQUEST = ask("text", EmbeddingParameters())
DESCRIBE = Answered({}, is_users=False)


def answer(*num_tokens: int) -> list[Prediction]:
    return [Prediction(value=[], num_tokens=number, is_truncated=False) for number in num_tokens]


def response(status: int = 200) -> Response:
    return Response(status=status, phrase="", body=b"", headers={})


def test_one_batch_of_good_and_bad_requests_among_health_checks() -> None:
    failed, unread = Rejected(InternalError("")), Rejected(NotParseable(""))
    samples = count_batch(
        [REQUEST, DeepCheck(), REQUEST, unread, DESCRIBE, Answered([]), REQUEST],
        [answer(4, 7), answer(99), failed, None, None, None, answer(6)],
        [
            response(),
            response(),
            response(500),
            response(400),
            response(),
            response(),
            response(ResponseTooLarge.status),
        ],
        {REQUEST_SECONDS: 0.5, FORWARD_SECONDS: 0.25},
    )
    assert [(sample.metric, sample.labels, sample.value) for sample in samples] == [
        (REQUEST_SECONDS, (), 0.5),
        (FORWARD_SECONDS, (), 0.25),
        (REQUESTS_TOTAL, (), 5),
        (TOKENS_TOTAL, (), 17),
        (BATCHES_TOTAL, (), 1),
        (ERRORS_TOTAL, ("500",), 1),
        (ERRORS_TOTAL, ("400",), 1),
        (ERRORS_TOTAL, ("413",), 1),
    ]


@pytest.mark.parametrize(("parsed", "status"), [(DeepCheck(), 200), (DeepCheck(), 503), (DESCRIBE, 200)])
def test_health_checks_leave_no_trace(parsed: DeepCheck | Answered, status: int) -> None:
    assert count_batch([parsed], [answer(4)], [response(status)], {REQUEST_SECONDS: 0.5}) == []


def test_every_counter_begins_with_0() -> None:
    first = {(sample.metric, sample.labels): sample.value for sample in FIRST_SAMPLES}
    assert {metric for metric, _ in first} == {metric for metric in METRICS if metric.kind is Kind.COUNTER}
    assert set(first.values()) == {0}
    assert len(first) == len(FIRST_SAMPLES)


def test_error_codes_are_the_documented_ones() -> None:
    ours, _ = (ROOT / "docs" / "api.md").read_text("utf-8").split("TorchServe's own answers")
    documented = re.findall(r"^\| (\d{3}) \|", ours, re.MULTILINE)
    assert set(ERROR_CODES) == set(documented)
    assert {labels for metric, labels in ((s.metric, s.labels) for s in FIRST_SAMPLES) if metric is ERRORS_TOTAL} == {
        (code,) for code in documented
    }


def test_a_batch_is_written_at_once_line_by_line_as_torchserve_reads_it(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "handler.worker.metrics")
    emitter = Emitter("bert", "1.0")
    first = caplog.messages.pop().splitlines()
    caplog.clear()
    emitter.emit([Sample(metric=FORWARD_SECONDS, value=2.5e-05), Sample(metric=ERRORS_TOTAL, value=3, labels=("507",))])
    emitter.emit([])
    (written,) = caplog.messages
    host = re.escape(socket.gethostname())
    ends = [f"HISTOGRAM\\|#hostname:{host},\\d+", f"COUNTER\\|#hostname:{host},\\d+"]
    for line, pattern in zip(
        written.splitlines(),
        [
            rf"\[METRICS\]berth_forward_seconds\.Seconds:2\.5e-05\|#model_name:bert,model_version:1\.0\|#type:{ends[0]}",
            rf"\[METRICS\]berth_errors_total\.Count:3\|#code:507,model_name:bert,model_version:1\.0\|#type:{ends[1]}",
        ],
        strict=True,
    ):
        assert re.fullmatch(pattern, line)
    assert len(first) == len(FIRST_SAMPLES)


def test_stopwatch_sums_the_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter([1.0, 1.5, 10.0, 12.0])
    monkeypatch.setattr("handler.worker.metrics.time", SimpleNamespace(perf_counter=lambda: next(ticks)))
    stopwatch = Stopwatch()
    with stopwatch.measure(FORWARD_SECONDS):
        pass
    with pytest.raises(RuntimeError, match="also"), stopwatch.measure(FORWARD_SECONDS):
        raise RuntimeError("a part that fails also took its time")
    assert stopwatch.seconds == {FORWARD_SECONDS: 2.5}


def test_pipeline_measures_what_it_does(checkpoint: MakeCheckpoint) -> None:
    config = HandlerConfig(task=Task.EMBEDDINGS, max_tokens=512)
    pipeline = Pipeline(checkpoint("bert", Task.EMBEDDINGS), config, torch.device("cpu"), Engine.PACKED)
    refused = ask("long " * 600, EmbeddingParameters(truncation=False))
    for requests, measured in [
        ([], set()),
        ([refused], {TOKENIZE_SECONDS}),
        ([REQUEST, refused], {TOKENIZE_SECONDS, FORWARD_SECONDS}),
    ]:
        stopwatch = Stopwatch()
        pipeline.answer(requests, stopwatch=stopwatch)
        assert set(stopwatch.seconds) == measured
        assert all(seconds > 0 for seconds in stopwatch.seconds.values())


def test_declared_is_what_is_emitted() -> None:
    """Values of dimensions are positional: a wrong order would swap labels, a wrong number loses the sample."""
    declared: dict[str, Any] = yaml.safe_load(DECLARED.read_text("utf-8"))["model_metrics"]
    assert {
        (kind, item["name"], item["unit"], *item["dimensions"]) for kind, items in declared.items() for item in items
    } == {(metric.kind, metric.name, metric.declared_unit, *metric.labels, *MODEL_LABELS) for metric in METRICS}


def test_torchserves_own_metrics_are_all_declared() -> None:
    torchserve = find_spec("ts")  # not imported: it leaves a file open
    assert torchserve is not None
    assert torchserve.origin is not None
    theirs = yaml.safe_load(Path(torchserve.origin).with_name("configs").joinpath("metrics.yaml").read_text("utf-8"))
    ours = yaml.safe_load(DECLARED.read_text("utf-8"))
    assert ours["ts_metrics"] == theirs["ts_metrics"]


def test_names_are_what_torchserve_and_prometheus_take() -> None:
    suffixes = {Kind.COUNTER: "_total", Kind.HISTOGRAM: "_seconds"}
    for metric in METRICS:
        assert re.fullmatch(r"berth_[a-z_]+", metric.name)
        assert metric.name.endswith(suffixes[metric.kind])
        assert re.fullmatch(r"\w+", metric.unit)  # TorchServe's frontend reads no other


def test_document_has_the_same_table() -> None:
    document = (ROOT / "docs" / "metrics.md").read_text("utf-8")
    own, _, _ = document.partition("## The launcher's own")
    rows = [line for line in own.splitlines() if line.startswith("| `berth_")]
    assert rows == [
        f"| `{metric.name}` | {metric.kind} | {metric.unit.lower()} | "
        f"{metric.meaning}{''.join(f'; label `{label}`' for label in metric.labels)} |"
        for metric in METRICS
    ]
    assert len(document.splitlines()) < 90
