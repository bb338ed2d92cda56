"""`python -m bench.monitoring`: what do metrics and traces cost a worker for each batch?

Figures are microseconds of one core (time.thread_time) for a batch of 32 requests, without the model: measuring its
parts, counting, and writing each sample as TorchServe's worker does, to /dev/null. The ways take turns in each round.
Goal: at most 50 us a batch for the metrics, and nothing worth a line for traces that nobody asked for.
"""

import gc
import json
import logging
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from handler.payload import Answer, Prediction, Rejected, Response
from handler.worker.metrics import FORWARD_SECONDS, REQUEST_SECONDS, TOKENIZE_SECONDS, Emitter, Stopwatch, count_batch
from handler.worker.traces import ENDPOINTS, NoTraces, open_traces

from ..machine import describe_run
from ..stats import Spread

COMMAND = "python -m bench.monitoring"
SCHEMA_VERSION = 1
REQUESTS = 32
GOAL_US = 50.0
HEADERS = {"traceparent": f"00-{'1' * 32}-{'2' * 16}-01", "x-request-start": "t=1700000000000000"}
NOWHERE = "http://127.0.0.1:9"  # the discard port: spans are made, and dropped by another thread


def main(
    rounds: Annotated[int, typer.Option(min=1, help="Rounds; each measures every way once.")] = 5,
    batches: Annotated[int, typer.Option(min=1, help="Batches of each way in a round.")] = 5000,
) -> None:
    """Measure microseconds for each batch: some seconds."""
    figures = measure(rounds, batches)
    for name, values in figures.items():
        print(f"{name:<16}{Spread.of(values).to_text()} us a batch of {REQUESTS}")
    kept = max(figures["metrics"]) <= GOAL_US
    print(f"{'kept' if kept else 'FAILED'}: metrics take at most {GOAL_US:.0f} us in every round")
    facts = describe_run(" ".join((COMMAND, *sys.argv[1:])))
    print(json.dumps({"schema_version": SCHEMA_VERSION, "benchmark": "monitoring", **facts, "us_per_batch": figures}))
    raise typer.Exit(not kept)


def measure(rounds: int, batches: int) -> dict[str, list[float]]:
    """Time every way once a round, in turn."""
    for variable in ENDPOINTS:
        os.environ.pop(variable, None)
    untraced = open_traces("bert", "1.0")
    os.environ[ENDPOINTS[0]] = NOWHERE
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)  # it says that nobody takes the spans
    with Path(os.devnull).open("w") as nowhere:
        logging.basicConfig(stream=nowhere, format="%(message)s", level=logging.INFO)  # as TorchServe's worker does
        emitter, traced = Emitter("bert", "1.0"), open_traces("bert", "1.0")
        ways = {
            "metrics": lambda: emit(emitter),
            "traces, off": lambda: trace(untraced),
            "traces, on": lambda: trace(traced),
        }
        figures: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(rounds):
            for name, way in ways.items():
                figures[name].append(time_us(way, batches))
    return figures


def time_us(way: Callable[[], None], batches: int) -> float:
    """Microseconds of this thread for each batch."""
    gc.collect()
    began_s = time.thread_time()
    for _ in range(batches):
        way()
    return (time.thread_time() - began_s) / batches * 1e6


ITEMS = [Rejected(ValueError())] * REQUESTS  # type: ignore[arg-type]  # a user's; what is wrong is not asked
ANSWERS: list[Answer | None] = [[Prediction(value=[], num_tokens=25, is_truncated=False)]] * REQUESTS
RESPONSES = [Response(status=200, phrase="", body=b"", headers={})] * REQUESTS


def emit(emitter: Emitter) -> None:
    """What a batch costs beside its answers: three times taken, and all samples written."""
    stopwatch = Stopwatch()
    for metric in (REQUEST_SECONDS, TOKENIZE_SECONDS, FORWARD_SECONDS):
        with stopwatch.measure(metric):
            pass
    emitter.emit(count_batch(ITEMS, ANSWERS, RESPONSES, stopwatch.seconds | stopwatch.counts))


def trace(traces: NoTraces) -> None:
    """A batch's spans, or none."""
    stopwatch = traces.stopwatch()
    for metric in (TOKENIZE_SECONDS, FORWARD_SECONDS):
        with stopwatch.measure(metric):
            pass
    traces.end(stopwatch, [HEADERS] * REQUESTS, ITEMS, RESPONSES)


if __name__ == "__main__":
    typer.run(main)
