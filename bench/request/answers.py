"""`python -m bench.request.answers`: what do large answers cost TorchServe's frontend, and is anybody refused?

64 clients at once, each with lists of 64 texts, ask `berth serve` for vectors of 768 numbers (a BERT of one layer, a
light forward pass), as JSON and as base64. Figures are core seconds of java, the bytes of all answers, and how
many requests got another status than 200.
"""

import json
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated

import psutil
import requests
import typer

from berth.pack.options import PackOptions
from handler.config import Task

from ..machine import describe_run
from ..server import served

COMMAND = "python -m bench.request.answers"
SCHEMA_VERSION = 1
CLIENTS, TEXTS, ANSWER_TIMEOUT_S = 64, 64, 120.0
FORMS = ("float", "base64")


def main(rounds: Annotated[int, typer.Option(min=1, help="Requests of each client.")] = 3) -> None:
    """Measure core seconds of java for answers of many megabytes: a minute. Progress goes to stderr."""
    facts = describe_run(" ".join((COMMAND, *sys.argv[1:])))
    with tempfile.TemporaryDirectory() as folder, served(_pack(Path(folder)), Path(folder) / "cache") as url:
        _ask(url, "float")  # java's first answers are its slowest
        figures = {form: _measure(url, form, rounds) for form in FORMS}
    print(json.dumps({"schema_version": SCHEMA_VERSION, "benchmark": "answers", **facts, "figures": figures}))


def _pack(folder: Path) -> Path:
    from berth.pack.pack import pack_checkpoint  # noqa: PLC0415 - `--help` answers at once
    from tests.support.checkpoints import make_checkpoint  # noqa: PLC0415

    sizes = {"hidden_size": 768, "num_attention_heads": 12, "num_hidden_layers": 1}
    checkpoint = make_checkpoint(folder / "checkpoint", "bert", Task.EMBEDDINGS, **sizes)
    options = PackOptions(task=Task.EMBEDDINGS, name="large", output=folder)
    return pack_checkpoint(checkpoint, options).archive


def _measure(url: str, form: str, rounds: int) -> dict[str, float]:
    """Ask with all clients at once."""
    before_s = _java_seconds()
    with ThreadPoolExecutor(CLIENTS) as pool:
        asked = list(pool.map(lambda _: [_ask(url, form) for _ in range(rounds)], range(CLIENTS)))
    answers = [answer for each in asked for answer in each]
    sys.stderr.write(f"bench: {form}\n")
    return {
        "java_core_s": round(_java_seconds() - before_s, 2),
        "megabytes": round(sum(size for _, size in answers) / 1e6, 1),
        "requests": len(answers),
        "not_200": sum(status != requests.codes.ok for status, _ in answers),
    }


def _ask(url: str, form: str) -> tuple[int, int]:
    """Send one list; return the status and the answer's bytes."""
    body = {"inputs": [f"text {number}" for number in range(TEXTS)], "parameters": {"encoding_format": form}}
    response = requests.post(url, json=body, timeout=ANSWER_TIMEOUT_S)
    return response.status_code, len(response.content)


def _java_seconds() -> float:
    """Core seconds that the server's java has taken."""
    (java,) = [child for child in psutil.Process().children(recursive=True) if child.name() == "java"]
    times = java.cpu_times()
    return float(times.user + times.system)


if __name__ == "__main__":
    typer.run(main)
