"""`python -m bench.static`: how many texts a second do static embeddings answer, beside MiniLM, through HTTP?

The table has a row of 256 seeded random numbers for each token of MiniLM's own tokenizer, as large models of model2vec
have: only the forward pass differs. One server at a time; requests of one text, and of 32. A window in which a server
answers too few texts says nothing, and ends the benchmark.
"""

import json
import statistics
import sys
import tempfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Annotated

import torch
import typer
from safetensors.torch import save_file

from berth.errors import BerthError
from berth.pack.options import PackOptions
from berth.pack.pack import pack_checkpoint
from berth.sources.sample import sample_folder
from tests.support.servers import running_server

from ..load import LoadPlan, apply_load
from ..machine import describe_run
from ..texts import mixed_texts, whole_words

COMMAND = "python -m bench.static"
SCHEMA_VERSION = 1
WIDTH, CLIENTS, NUM_TEXTS, SEED = 256, 16, 2000, 1
TEXTS_OF_A_REQUEST = (1, 32)
WARM_UP_S = 2.0
LEAST_TEXTS = 300  # in a window: requests of 32 texts come in steps of 32
MODEL2VEC = {"model_type": "model2vec", "architectures": ["StaticModel"], "normalize": True, "hidden_dim": WIDTH}
Figures = dict[str, dict[int, list[float]]]
"""Texts a second of each round, by model and by texts of a request."""


def main(
    rounds: Annotated[int, typer.Option(min=1, help="How often each server is measured.")] = 3,
    seconds: Annotated[float, typer.Option(min=1, help="How long each time.")] = 30.0,
) -> None:
    """Pack both and serve one at a time: about 8 minutes. Progress goes to stderr."""
    facts = describe_run(" ".join((COMMAND, *sys.argv[1:])))
    with tempfile.TemporaryDirectory(dir=Path.cwd(), prefix=".bench-static-") as work:
        store = PackOptions(output=Path(work) / "store")
        archives = {
            "static, 256 numbers": pack_checkpoint(make_static(Path(work) / "static"), store).archive,
            "MiniLM, 384 numbers": pack_checkpoint(None, store).archive,
        }
        figures: Figures = {name: {count: [] for count in TEXTS_OF_A_REQUEST} for name in archives}
        for _ in range(rounds):
            for name, archive in archives.items():
                for count, rate in measure(archive, seconds).items():
                    figures[name][count].append(rate)
                    sys.stderr.write(f"bench: {name}, {count} in a request: {rate:.0f} texts/s\n")
    print(to_table(figures))
    print(json.dumps({"schema_version": SCHEMA_VERSION, "benchmark": "static", **facts, "texts_per_s": figures}))


def make_static(folder: Path) -> Path:
    """A folder of model2vec's, with the sample's tokenizer."""
    folder.mkdir(parents=True)
    tokenizer = (sample_folder() / "tokenizer.json").read_bytes()
    rows = len(json.loads(tokenizer)["model"]["vocab"])
    torch.manual_seed(SEED)
    save_file({"embeddings": torch.randn(rows, WIDTH)}, folder / "model.safetensors")
    (folder / "tokenizer.json").write_bytes(tokenizer)
    (folder / "config.json").write_text(json.dumps(MODEL2VEC), "utf-8")
    return folder


def measure(archive: Path, seconds: float) -> Mapping[int, float]:
    """Texts a second that the archive's server answers, by texts of a request."""
    words = whole_words((sample_folder() / "vocab.txt").read_text("utf-8").split())
    texts = mixed_texts(words, NUM_TEXTS, SEED)
    with running_server([archive]) as server:
        plan = partial(
            LoadPlan,
            url=f"{server.inference_url}/predictions/{archive.stem}",
            texts=texts,
            clients=CLIENTS,
            warm_up_s=WARM_UP_S,
            duration_s=seconds,
            keeps_bodies=False,
        )
        loads = {count: plan(to_body=partial(_to_body, count=count)) for count in TEXTS_OF_A_REQUEST}
        answered = {count: count * len(apply_load(load).exchanges) for count, load in loads.items()}
    return {count: rate_of(num_texts, seconds) for count, num_texts in answered.items()}


def rate_of(num_texts: int, seconds: float) -> float:
    """Texts a second; BerthError where they are too few to say anything."""
    if num_texts < LEAST_TEXTS:
        raise BerthError(
            f"{num_texts} texts were answered in {seconds:g} s, and fewer than {LEAST_TEXTS} are noise: give more with "
            "--seconds"
        )
    return num_texts / seconds


def _to_body(text: str, *, count: int) -> bytes:
    """A request of `count` texts of one length, none of them twice; vectors in base64, as clients take many."""
    texts = [f"{number} {text}" for number in range(count)]
    return json.dumps({"inputs": texts, "parameters": {"encoding_format": "base64"}}).encode()


def to_table(figures: Figures) -> str:
    """Medians for people, in Markdown."""
    counts = " | ".join(f"texts/s, {count} in a request" for count in TEXTS_OF_A_REQUEST)
    rows = [
        f"| {name} | {' | '.join(f'{statistics.median(rates):.0f}' for rates in found.values())} |"
        for name, found in figures.items()
    ]
    return "\n".join((f"| served | {counts} |", "|---|---|---|", *rows, ""))


if __name__ == "__main__":
    typer.run(main)
