"""How fast is the packed engine on a device, and how far from what the device can do? `make gpu-check` runs it.

BERT-base (seeded random weights), embeddings, texts of 16, 128 and 512 tokens and mixed; useful work over the
measured matmul peak of the same precision. The limit is the device's own matrix multiplication.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from bench.machine import describe_run
from bench.work import EncoderShape
from handler.config import TOKEN_BUDGETS, HandlerConfig, Task
from handler.engine.model import PackedModel
from handler.engine.placement import Placement
from handler.text.encoded import EncodedText
from handler.text.tokenization import Tokenizer
from tests.support.checkpoints.large import make_bert_base

LENGTHS: dict[str, list[int]] = {"16": [16], "128": [128], "512": [512], "mixed": [8, 12, 16, 24, 40, 64, 128, 300]}
SHAPE = EncoderShape(layers=12, hidden=768, intermediate=3072)  # bert-base config.json
ROUNDS = 7


def median_seconds(run: Callable[[], object], device: torch.device) -> float:
    """Median time of ROUNDS runs after one to warm up; waits for the device each time."""
    times_s = []
    for _ in range(ROUNDS + 1):
        started_s = time.perf_counter()
        run()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        times_s.append(time.perf_counter() - started_s)
    return statistics.median(times_s[1:])


def matmul_peak_flops(device: torch.device, dtype: torch.dtype) -> float:
    """FLOP/s of a large square product, in the precision that the model runs in."""
    size = 8192 if device.type == "cuda" else 1024
    left, right = (torch.randn(size, size, device=device, dtype=dtype) for _ in range(2))
    return 2 * size**3 / median_seconds(lambda: left @ right, device)


def measure(model: PackedModel, lengths: list[int], num_tokens: int, device: torch.device) -> tuple[float, float]:
    """Tokens/s and useful FLOP/s of texts with these lengths, num_tokens in all."""
    chosen = (lengths * (num_tokens // sum(lengths) + 1))[: max(1, num_tokens * len(lengths) // sum(lengths))]
    texts = [
        EncodedText(ids=np.full(length, 1000, np.int32), type_ids=np.zeros(length, np.int8), num_tokens_uncut=length)
        for length in chosen
    ]
    seconds = median_seconds(
        lambda: [model.forward(batch) for batch in model.batches(texts, TOKEN_BUDGETS[device.type])], device
    )
    return sum(chosen) / seconds, sum(map(SHAPE.gflop, chosen)) * 1e9 / seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else None)
    parser.add_argument("--tokens", type=int, default=262_144, help="in one measurement (default: %(default)s)")
    options = parser.parse_args()
    if options.device is None:
        print("skipped: no CUDA device here (--device cpu --tokens 2048 runs the same code)")
        return
    print(json.dumps(run(torch.device(options.device), options.tokens)))


def run(device: torch.device, num_tokens: int) -> dict[str, object]:
    """Print a table for people; return the report."""
    config = HandlerConfig(task=Task.EMBEDDINGS, max_tokens=512)
    placement = Placement.choose(config, device)
    peak_flops = matmul_peak_flops(device, placement.dtype)
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = make_bert_base(Path(folder), Task.EMBEDDINGS)
        model = PackedModel(checkpoint, config, placement, Tokenizer(checkpoint))
    rows = []
    print(f"{'lengths':>8} {'tokens/s':>12} {'TFLOP/s':>8} {'of matmul peak':>14}", file=sys.stderr)
    for name, lengths in LENGTHS.items():
        tokens_rate, flops = measure(model, lengths, num_tokens, device)
        rows.append(
            {"lengths": name, "tokens_per_s": tokens_rate, "useful_flops": flops, "peak_ratio": flops / peak_flops}
        )
        print(f"{name:>8} {tokens_rate:>12,.0f} {flops / 1e12:>8.2f} {flops / peak_flops:>14.0%}", file=sys.stderr)
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"
    return {
        "schema_version": 1,
        **describe_run("make gpu-check"),
        "device": name,
        "precision": placement.precision,
        "matmul_peak_flops": peak_flops,
        "results": rows,
    }


if __name__ == "__main__":
    main()
