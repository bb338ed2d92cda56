"""`python -m bench.precision.engines`: a packed stream beside padded batches, where attention has a bias by distance.

MPNet's and DeBERTa-v3's sizes, with 6 of their 12 layers and seeded weights, in fp32 on all cores. The padded engine
sorts texts by length, and both read a batch in parts, one for each thread.
"""

import json
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any

import torch
import typer

from handler.config import HandlerConfig, Task
from handler.engine.model import OF_TRANSFORMERS, Engine
from handler.pipeline import Pipeline
from tests.support.checkpoints import make_checkpoint

from ..machine import describe_run
from ..stats import Spread
from ..texts import mixed_texts
from .engine import WORDS, seconds_of

COMMAND = "python -m bench.precision.engines"
SCHEMA_VERSION = 1
SIZES: dict[str, Any] = {
    "hidden_size": 768,
    "intermediate_size": 3072,
    "num_hidden_layers": 6,
    "num_attention_heads": 12,
}
SETTINGS: dict[str, dict[str, Any]] = {"mpnet": SIZES, "deberta-v2": SIZES | {"position_buckets": 256}}
MIXES = {
    "a text of 16 tokens": [" ".join((*WORDS, *WORDS[:4]))],
    "a text of 500 tokens": [" ".join(WORDS * 50)[:-1]],
    **{f"{count} texts, lognormal": mixed_texts(WORDS, count) for count in (32, 64, 256)},
}


def main(rounds: Annotated[int, typer.Option(min=1, help="Rounds; each asks both engines for every mix.")] = 3) -> None:
    """Measure both engines: about four minutes on two cores. Progress goes to stderr."""
    facts = describe_run(" ".join((COMMAND, *sys.argv[1:])))
    figures: dict[str, list[float]] = {}
    for architecture, settings in SETTINGS.items():
        with tempfile.TemporaryDirectory(prefix="be-") as folder:
            make_checkpoint(Path(folder), architecture, Task.EMBEDDINGS, **settings)
            config = HandlerConfig(task=Task.EMBEDDINGS, max_tokens=512)
            engines = {each: Pipeline(Path(folder), config, torch.device("cpu"), each) for each in OF_TRANSFORMERS}
            for number in range(rounds):
                for name, value in _measure(engines).items():
                    figures.setdefault(f"{architecture}, {name}", []).append(value)
                print(f"bench: round {number + 1} of {rounds}, {architecture}", file=sys.stderr)
    for name, values in figures.items():
        print(f"{name:48}{Spread.of(values).to_text(2 if 'times' in name else 1):>28}")
    print(json.dumps({"schema_version": SCHEMA_VERSION, "benchmark": "engines", **facts, "figures": figures}))


def _measure(engines: dict[Engine, Pipeline]) -> dict[str, float]:
    """Milliseconds of each mix by engine, and how many times as long padding takes."""
    found: dict[str, float] = {}
    for mix, texts in MIXES.items():
        taken = {engine: 1000 * seconds_of(pipeline, texts) for engine, pipeline in engines.items()}
        found |= {f"{mix}: {engine}, ms": value for engine, value in taken.items()}
        found[f"{mix}: padded, times packed"] = taken[Engine.PADDED] / taken[Engine.PACKED]
    return found


if __name__ == "__main__":
    typer.run(main)
