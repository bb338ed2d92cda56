"""`python -m bench.bulk.predict ARCHIVE`: `berth predict --file` beside a plain client of the same server, in turns.

Both ask for the same texts, in lists of 16 and as many lists at once: the command as people start it, its own start
included, and here threads that send bodies which are ready and read answers as bytes. What they get is what the server
can do. Goal: 0.9 of it.
"""

import http.client
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Annotated
from urllib.parse import SplitResult, urlsplit

import typer

from berth.clients.many import AT_ONCE
from berth.tune.ports import free_ports, port_variables

from ..machine import describe_run
from ..server import served
from .texts import short_texts

COMMAND = "python -m bench.bulk.predict"
WAYS = ("plain client", "predict --file")
LIST = 16
"""Texts of a request, as the command has them."""


def main(
    archive: Annotated[Path, typer.Argument(help="A .mar of a task that takes one text.")],
    rows: Annotated[int, typer.Option(min=LIST, help="Texts of each round, of 3 to 9 words.")] = 16_384,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds; each measures both, another one first.")] = 5,
) -> None:
    """Print the rates, and the share. Progress goes to stderr."""
    facts = describe_run(" ".join((COMMAND, *sys.argv[1:])))
    texts = list(short_texts(rows))
    seconds: dict[str, list[float]] = {way: [] for way in WAYS}
    with tempfile.TemporaryDirectory() as work, served(archive, Path(work), _environment()) as url:
        file = Path(work) / "texts.txt"
        file.write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
        ask_plainly(url, texts[: LIST * AT_ONCE])
        for number in range(rounds):
            for way in WAYS[:: -1 if number % 2 else 1]:
                taken_s = ask_plainly(url, texts) if way == "plain client" else run_predict(url, file, rows)
                seconds[way].append(round(taken_s, 3))
            sys.stderr.write(f"bench: round {number + 1} of {rounds}: {[each[-1] for each in seconds.values()]} s\n")
    print(to_table(seconds, rows))
    print(json.dumps({"schema_version": 1, "benchmark": "predict", **facts, "rows": rows, "seconds": seconds}))


def _environment() -> dict[str, str]:
    return {**os.environ, **port_variables(free_ports())}


def ask_plainly(url: str, texts: Sequence[str]) -> float:
    """Ask for each text once, over kept connections; seconds."""
    lists = [texts[start : start + LIST] for start in range(0, len(texts), LIST)]
    bodies = iter([json.dumps({"inputs": each}).encode() for each in lists])  # of all clients: a list's next is atomic
    began_s = time.perf_counter()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for client in [pool.submit(_ask, urlsplit(url), bodies) for _ in range(AT_ONCE)]:
            client.result()
    return time.perf_counter() - began_s


def _ask(address: SplitResult, bodies: Iterator[bytes]) -> None:
    with closing(http.client.HTTPConnection(address.netloc)) as connection:
        for body in bodies:
            connection.request("POST", address.path, body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            said = answer.read()
            assert answer.status == 200, said


def run_predict(url: str, file: Path, rows: int) -> float:
    """Run the command to its end; seconds. Every text must be answered."""
    address, _, model = url.partition("/predictions/")
    answers = file.with_name("answers.jsonl")
    command = [sys.executable, "-P", "-m", "berth", "predict", "--file", file, "--url", address, "--model", model]
    began_s = time.perf_counter()
    with answers.open("wb") as out:
        subprocess.run(list(map(str, command)), stdout=out, check=True)
    taken_s = time.perf_counter() - began_s
    with answers.open("rb") as lines:
        assert sum(1 for _ in lines) == rows, f"{answers} has not an answer for each of {rows} texts"
    return taken_s


def to_table(seconds: dict[str, list[float]], rows: int) -> str:
    """The medians for people, in Markdown, and the share within each round."""
    lines = [f"| {way} | {rows / statistics.median(found):.0f} |" for way, found in seconds.items()]
    shares = sorted(plain / command for plain, command in zip(*seconds.values(), strict=True))
    share = f"{statistics.median(shares):.3f} ({shares[0]:.3f} to {shares[-1]:.3f})"
    said = f"`berth predict --file` has {share} of a plain client's rate (goal: 0.9)."
    return "\n".join(["| | texts/s |", "|---|---|", *lines, "", said])


if __name__ == "__main__":
    typer.run(main)
