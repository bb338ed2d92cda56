"""How should a worker's OpenMP threads wait for work? `make bench-openmp` measures it on the sample model.

Spinning threads answer fastest on an idle machine and collapse when a neighbour takes a core: the one that spins
holds the core which the one that works needs. Each way is measured for a short and a long text, on an otherwise
idle machine and beside a process that keeps one core busy, at normal priority, as a container next door would.
The ways take turns in each round.
"""

import argparse
import contextlib
import json
import os
import subprocess
import sys

from berth.sources.sample import sample_folder

from .cpu import neighbour
from .machine import describe_run
from .stats import percentile

WAYS: dict[str, dict[str, str]] = {
    "spin (default)": {},
    "passive": {"OMP_WAIT_POLICY": "PASSIVE"},
    "spin 1000": {"GOMP_SPINCOUNT": "1000"},
    "spin 10000": {"GOMP_SPINCOUNT": "10000"},
    "one thread": {"OMP_NUM_THREADS": "1"},
}
LENGTHS = {16: 60, 512: 12}  # tokens of the text: forward passes in one round
FORWARDS = """
import json, sys, time, torch
from transformers import AutoModel
from transformers.utils import logging
logging.disable_progress_bar()
folder, lengths = sys.argv[1], json.loads(sys.argv[2])
model = AutoModel.from_pretrained(folder).eval()
times_ms = {}
with torch.inference_mode():
    for length, count in lengths.items():
        ids = torch.full((1, int(length)), 2023)
        times_ms[length] = []
        for _ in range(count + 5):
            time.sleep(0.002)  # requests do not arrive back to back: the threads have to be woken
            started_s = time.perf_counter()
            model(input_ids=ids)
            times_ms[length].append((time.perf_counter() - started_s) * 1000)
        del times_ms[length][:5]
print(json.dumps(times_ms))
"""


def forward_times_ms(way: str) -> dict[str, list[float]]:
    """The times of one process's forward passes, by length of the text."""
    command = [sys.executable, "-c", FORWARDS, str(sample_folder()), json.dumps(LENGTHS)]
    environment = {**os.environ, **WAYS[way]}
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    times_ms: dict[str, list[float]] = json.loads(ran.stdout)
    return times_ms


def measure(rounds: int) -> dict[tuple[str, bool, str], list[float]]:
    """All times in ms by way, busy neighbour and length of the text."""
    times_ms: dict[tuple[str, bool, str], list[float]] = {}
    for index in range(rounds):
        for busy in (False, True):
            for way in WAYS:
                sys.stderr.write(f"round {index + 1} of {rounds}, {'busy' if busy else 'idle'}, {way}\n")
                with neighbour() if busy else contextlib.nullcontext():
                    for length, values in forward_times_ms(way).items():
                        times_ms.setdefault((way, busy, length), []).extend(values)
    return times_ms


def main() -> None:
    """Print a table, median / 90th percentile in ms, and as the last line the report as JSON."""
    parser = argparse.ArgumentParser(description="Ways in which OpenMP threads wait, on the sample model.")
    parser.add_argument("--rounds", type=int, default=3, help="rounds; default: %(default)s")
    times_ms = measure(parser.parse_args().rounds)
    rows = [
        {
            "way": way,
            "busy_neighbour": busy,
            "tokens": int(length),
            "p50_ms": percentile(values, 50),
            "p90_ms": percentile(values, 90),
        }
        for (way, busy, length), values in times_ms.items()
    ]
    print(f"{'way':<16}{'neighbour':<11}{'tokens':>7}{'p50 ms':>9}{'p90 ms':>9}")
    for row in rows:
        who = "busy" if row["busy_neighbour"] else "nobody"
        print(f"{row['way']:<16}{who:<11}{row['tokens']:>7}{row['p50_ms']:>9.1f}{row['p90_ms']:>9.1f}")
    print(json.dumps({"schema_version": 1, **describe_run("make bench-openmp"), "results": rows}))


if __name__ == "__main__":
    main()
