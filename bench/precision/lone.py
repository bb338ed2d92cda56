"""`python -m bench.precision.lone`: what does a lone text's forward pass take, from its tokens to its vector?

On one thread, in milliseconds of a core: a neighbour counts only by what it takes of the caches and of the memory's
speed. Beside the worker's own way stand transformers' layers, which it would run otherwise, and OpenVINO's fp32 where
it is installed, which gives the tokens' vectors alone. All take turns, pass by pass. Models are the sample and a
BERT-base of random weights.
"""

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any
from unittest import mock

import numpy as np
import torch
import typer
from transformers import AutoModel

from berth.sources.sample import sample_folder
from handler.engine.threads import one_thread
from handler.inputs import to_text_inputs
from handler.known_answers import KnownAnswers
from handler.pipeline import Pipeline
from handler.precision import Precision
from handler.tasks.embeddings import EmbeddingParameters

from ..machine import describe_run
from ..packing import make_bert_base
from .__main__ import to_table
from .engine import WORDS, load

COMMAND = "python -m bench.precision.lone"
SCHEMA_VERSION = 1
LENGTHS = (8, 16, 32)  # tokens, the two special ones included
PASSES = 41  # of each way in a round, in turn; the median counts
INPUTS = ("input_ids", "attention_mask", "token_type_ids")
Pass = Callable[[], object]


def main(rounds: Annotated[int, typer.Option(min=1, help="Rounds; each measures every way.")] = 5) -> None:
    """Measure: about two minutes. Progress goes to stderr."""
    facts = describe_run(" ".join((COMMAND, *sys.argv[1:])))
    busy = {"load_average": [round(each, 1) for each in os.getloadavg()]}
    with tempfile.TemporaryDirectory(prefix="bp-") as work:
        models = {"sample": sample_folder(), "bert-base": make_bert_base(Path(work) / "bert-base")}
        figures = {f"{name}, ms of a core": measure_lone(folder, rounds) for name, folder in models.items()}
    for heading, found in figures.items():
        print(to_table(heading, found))
    print(json.dumps({"schema_version": SCHEMA_VERSION, "benchmark": "lone", **facts, **busy, "figures": figures}))


def measure_lone(folder: Path, rounds: int) -> dict[str, list[float]]:
    """Milliseconds of each length, by way: one for each round."""
    pipelines = {str(each): load(folder, each) for each in (Precision.FP32, Precision.INT8)}
    with transformers_layers():
        pipelines |= {f"{each}, transformers' layers": load(folder, Precision(each)) for each in list(pipelines)}
    openvino = make_openvino(folder)
    figures: dict[str, list[float]] = {}
    for number in range(rounds):
        for length in LENGTHS:
            passes = {way: make_pass(pipeline, length) for way, pipeline in pipelines.items()}
            passes |= {way: make(length) for way, make in openvino.items()}
            for way, found_ms in take_turns(passes).items():
                figures.setdefault(f"{length} tokens: {way}", []).append(found_ms)
        sys.stderr.write(f"bench: round {number + 1} of {rounds} of lone texts, {folder.name}\n")
    return figures


@contextmanager
def transformers_layers() -> Iterator[None]:
    """Load models as transformers makes them."""
    with mock.patch("handler.engine.model.shorten_layers"):
        yield


def make_pass(pipeline: Pipeline, length: int) -> Pass:
    """A pass of one text of so many tokens."""
    text = " ".join((WORDS * 10)[: length - 2])
    known = KnownAnswers(inputs=to_text_inputs([text], "/inputs"), parameters=EmbeddingParameters(), answers=((),))
    (batch,) = pipeline.model.batches(pipeline.read(known), length)
    return lambda: pipeline.model.forward(batch)


def make_openvino(folder: Path) -> Mapping[str, Callable[[int], Pass]]:
    """The same with OpenVINO; nothing where it is not installed."""
    request = compile_openvino(folder)
    if request is None:
        return {}

    def make(length: int) -> Pass:
        inputs = {name: np.ones((1, length), np.int64) for name in INPUTS}
        return lambda: request.infer(inputs)

    return {f"OpenVINO {version('openvino').partition('-')[0]} fp32": make}


def compile_openvino(folder: Path) -> Any:
    """OpenVINO's request for the tokens' vectors, on one thread; None where it is not installed."""
    if find_spec("openvino") is None:
        sys.stderr.write("bench: OpenVINO is not installed, so it has no row here\n")
        return None
    import openvino  # noqa: PLC0415

    example = dict.fromkeys(INPUTS, torch.ones(1, 16, dtype=torch.long))
    converted = openvino.convert_model(AutoModel.from_pretrained(folder).eval(), example_input=example)
    settings = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": 1, "INFERENCE_PRECISION_HINT": "f32"}
    return openvino.Core().compile_model(converted, "CPU", settings).create_infer_request()


def take_turns(passes: Mapping[str, Pass], times: int = PASSES, per_s: float = 1000) -> dict[str, float]:
    """The median milliseconds of a core that each takes, of so many passes; `per_s`: 1e6 for microseconds."""
    seconds: dict[str, list[float]] = {way: [] for way in passes}
    with one_thread():
        for _ in range(times + 1):
            for way, run in passes.items():
                began_s = time.process_time()
                run()
                seconds[way].append(time.process_time() - began_s)
    return {way: round(per_s * sorted(found[1:])[times // 2], 2) for way, found in seconds.items()}


if __name__ == "__main__":
    typer.run(main)
