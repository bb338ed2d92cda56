"""`python -m bench.precision.compiled`: would a compiled network be a faster engine on a CPU?

The worker's own way beside torch.compile (broken at attention, which reads a packed stream text by text), AOTInductor
(built once from the network's export), ONNX Runtime and OpenVINO, each where it is installed. In fp32, on one thread,
in milliseconds of a core. The first two read 32 texts as one stream, the others eight of like length at a time, padded.
All take turns, pass by pass. Models are the sample and a BERT-base of random weights. It takes a C++ compiler.
"""

import copy
import json
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import torch
import torch._dynamo  # before a model is loaded: the worker loads without it (without_compiler)
import torch._inductor
import torch._inductor.config
import typer
from torch import Tensor, nn
from transformers import AttentionInterface, AutoModel

from berth.sources.sample import sample_folder
from handler.engine import attention
from handler.engine.model import PackedModel
from handler.inputs import to_text_inputs
from handler.known_answers import KnownAnswers
from handler.pipeline import Pipeline
from handler.precision import Precision
from handler.tasks.embeddings import EmbeddingParameters

from ..machine import describe_run
from ..packing import make_bert_base
from ..texts import mixed_texts
from .__main__ import to_table
from .engine import WORDS, load
from .lone import INPUTS, PASSES, Pass, compile_openvino, take_turns

COMMAND = "python -m bench.precision.compiled"
SCHEMA_VERSION = 1
NUM_ROWS = 8  # texts in a padded batch
MIXES: Mapping[str, list[str]] = {
    **{f"{length} tokens": [" ".join((WORDS * 10)[: length - 2])] for length in (8, 16, 32)},
    "32 texts": mixed_texts(WORDS, 32),
}
EXAMPLE = tuple(torch.ones(2, 16, dtype=torch.long) for _ in INPUTS)
Ask = Callable[[Sequence[Tensor]], object]
"""Ids, mask and type ids, each [rows, length], through a network that was compiled."""


def main(rounds: Annotated[int, typer.Option(min=1, help="Rounds; each measures every way.")] = 3) -> None:
    """Measure: about ten minutes. Progress goes to stderr."""
    facts = describe_run(" ".join((COMMAND, *sys.argv[1:])))
    with tempfile.TemporaryDirectory(prefix="bc-") as work:
        models = {"sample": sample_folder(), "bert-base": make_bert_base(Path(work) / "bert-base")}
        figures = {f"{name}, ms of a core": measure(folder, Path(work), rounds) for name, folder in models.items()}
    for heading, found in figures.items():
        print(to_table(heading, found))
    print(json.dumps({"schema_version": SCHEMA_VERSION, "benchmark": "compiled", **facts, "figures": figures}))


def measure(folder: Path, work: Path, rounds: int) -> dict[str, list[float]]:
    """Milliseconds of each mix, by way: one for each round."""
    pipeline = load(folder, Precision.FP32)
    model: Any = pipeline.model
    frozen = compile_stream(model, freezing=True)  # its weights may be laid out anew
    streams = {"worker": model, "torch.compile": compile_stream(model), "torch.compile, frozen": frozen}
    padded = compile_padded(folder, work)
    figures: dict[str, list[float]] = {}
    for number in range(rounds):
        for mix, texts in MIXES.items():
            passes = make_passes(pipeline, texts, streams, padded)
            for way, found_ms in take_turns(passes, PASSES if len(texts) == 1 else PASSES // 5).items():
                figures.setdefault(f"{mix}: {way}", []).append(found_ms)
        sys.stderr.write(f"bench: round {number + 1} of {rounds} of compiled networks, {folder.name}\n")
    return figures


def make_passes(
    pipeline: Pipeline, texts: list[str], streams: Mapping[str, PackedModel], padded: Mapping[str, Ask]
) -> dict[str, Pass]:
    """Every way's pass over these texts."""
    known = KnownAnswers(inputs=to_text_inputs(texts, "/inputs"), parameters=EmbeddingParameters(), answers=((),))
    batch: Any
    (batch,) = pipeline.model.batches(pipeline.read(known), 4096)
    rows = to_rows(batch)
    passes: dict[str, Pass] = {way: partial(model.forward, batch) for way, model in streams.items()}
    return passes | {way: partial(ask_each, ask, rows) for way, ask in padded.items()}


def ask_each(ask: Ask, batches: Sequence[Sequence[Tensor]]) -> None:
    """Ask for one padded batch behind the other."""
    for rows in batches:
        ask(rows)


def to_rows(batch: Any) -> list[tuple[Tensor, ...]]:
    """As many padded batches as there are eights of texts, shortest first; which tokens they hold takes no time."""
    lengths = sorted(batch.lengths)
    eights = [lengths[start : start + NUM_ROWS] for start in range(0, len(lengths), NUM_ROWS)]
    return [tuple(torch.ones(len(each), max(each), dtype=torch.long) for _ in INPUTS) for each in eights]


def compile_stream(model: PackedModel, **options: Any) -> PackedModel:
    """The worker's model with its network compiled, all but the attention within each text."""
    apart = attention.make_attention(torch._dynamo.disable(attention.attend_each_text))  # type: ignore[no-untyped-call]
    AttentionInterface.register(attention.ATTENTION_NAME, apart)
    compiled = copy.copy(model)
    compiled.network = torch.compile(model.network, dynamic=True, options=options)
    return compiled


def compile_padded(folder: Path, work: Path) -> dict[str, Ask]:
    """What reads padded rows: each that is installed, and that gives transformers' own numbers."""
    network = Padded(folder)
    makers = {"AOTInductor": compile_inductor, "ONNX Runtime": compile_onnx}
    with torch.no_grad():
        asks = {way: make(network, work / folder.name) for way, make in makers.items()}
        asks["OpenVINO"] = ask_openvino(folder)
        return {way: ask for way, ask in asks.items() if ask is not None}


class Padded(nn.Module):
    """transformers' own model of padded rows -> tokens' vectors [rows, length, H]."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.network = AutoModel.from_pretrained(folder, attn_implementation="sdpa").eval()

    def forward(self, ids: Tensor, mask: Tensor, types: Tensor) -> Tensor:
        states: Tensor = self.network(input_ids=ids, attention_mask=mask, token_type_ids=types).last_hidden_state
        return states


def compile_inductor(network: Padded, output: Path) -> Ask:
    """A library of machine code, with the weights in it."""
    sizes = {0: torch.export.Dim("rows", min=1, max=64), 1: torch.export.Dim("length", min=2, max=512)}
    exported = torch.export.export(network, EXAMPLE, dynamic_shapes=(sizes,) * len(INPUTS))
    with torch._inductor.config.patch(freezing=True):
        package = torch._inductor.aoti_compile_and_package(exported, package_path=f"{output}.pt2")
    loaded = torch._inductor.aoti_load_package(package)
    return lambda rows: loaded(*rows)


def compile_onnx(network: Padded, output: Path) -> Ask | None:
    """ONNX Runtime's session with all its optimisations; None where it is not installed."""
    if find_spec("onnxruntime") is None or find_spec("onnx") is None:
        sys.stderr.write("bench: onnxruntime or onnx is not installed, so it has no row here\n")
        return None
    import onnxruntime  # noqa: PLC0415

    axes = {name: {0: "rows", 1: "length"} for name in INPUTS}
    names = {"input_names": list(INPUTS), "dynamic_axes": axes}
    torch.onnx.export(network, EXAMPLE, f"{output}.onnx", dynamo=False, **names)  # type: ignore[arg-type]
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(f"{output}.onnx", options, providers=["CPUExecutionProvider"])
    return lambda rows: session.run(None, {name: each.numpy() for name, each in zip(INPUTS, rows, strict=True)})


def ask_openvino(folder: Path) -> Ask | None:
    """OpenVINO's network; None where it is not installed."""
    request = compile_openvino(folder)
    if request is None:
        return None
    return lambda rows: request.infer({name: each.numpy() for name, each in zip(INPUTS, rows, strict=True)})


if __name__ == "__main__":
    typer.run(main)
