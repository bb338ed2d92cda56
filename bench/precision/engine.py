"""Batches through a pipeline, in every precision, on the threads that a worker takes and on all."""

import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from unittest import mock

import torch

from berth.pack.references.known_texts import TEXTS
from handler.config import HandlerConfig, Task
from handler.engine.model import Engine
from handler.engine.threads import CpuPasses
from handler.inputs import to_text_inputs
from handler.known_answers import KnownAnswers
from handler.payload import Request
from handler.pipeline import Pipeline
from handler.precision import Precision
from handler.tasks.embeddings import EmbeddingParameters

from ..texts import mixed_texts

# One token each in the sample's vocabulary.
WORDS = ("harbour", "river", "boat", "morning", "cold", "ship", "light", "water", "stone", "wind")
MIXES: Mapping[str, list[str]] = {
    "a text of 16 tokens": [" ".join((*WORDS, *WORDS[:4]))],
    "32 texts of 26 tokens on average": mixed_texts(WORDS, 32),
}
REPEATS = 7  # of which the median counts


def measure_engine(folder: Path, rounds: int) -> dict[str, list[float]]:
    """Milliseconds of each mix, by way: one for each round."""
    ways = {
        f"{precision}, {threads}": (pipeline, context)
        for precision, pipeline in ((each, load(folder, each)) for each in (Precision.FP32, Precision.INT8))
        for threads, context in (("as a worker", nullcontext), ("all threads", on_all_threads))
    }
    figures: dict[str, list[float]] = {f"{mix}: {way}": [] for mix in MIXES for way in ways}
    for number in range(rounds):
        for mix, texts in MIXES.items():
            for way, (pipeline, context) in ways.items():
                with context():
                    figures[f"{mix}: {way}"].append(round(1000 * seconds_of(pipeline, texts), 2))
        sys.stderr.write(f"bench: round {number + 1} of {rounds} of the engine, {folder.name}\n")
    return figures


def load(folder: Path, precision: Precision) -> Pipeline:
    """A checkpoint as a worker holds it."""
    config = HandlerConfig(task=Task.EMBEDDINGS, max_tokens=256, precision=precision)
    pipeline = Pipeline(folder, config, torch.device("cpu"), Engine.PACKED)
    if precision is Precision.INT8:
        inputs = to_text_inputs(list(TEXTS), "/inputs")
        known = KnownAnswers(inputs=inputs, parameters=EmbeddingParameters(), answers=((),) * len(inputs))
        pipeline.quantize(known.short())
    return pipeline


@contextmanager
def on_all_threads() -> Iterator[None]:
    """Every pass as a whole and on all threads."""
    with mock.patch.object(CpuPasses, "forward", lambda passes, batch: passes._model.forward(batch)):
        yield


def seconds_of(pipeline: Pipeline, texts: Sequence[str]) -> float:
    """The median time of the texts' answers."""
    requests = [Request(inputs=to_text_inputs([text], "/inputs"), parameters=EmbeddingParameters()) for text in texts]
    run: Callable[[], object] = lambda: pipeline.answer(requests)  # noqa: E731
    run()
    times = []
    for _ in range(REPEATS):
        began_s = time.perf_counter()
        run()
        times.append(time.perf_counter() - began_s)
    return sorted(times)[REPEATS // 2]
