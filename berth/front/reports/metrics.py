"""The front's numbers as Prometheus reads them, made of what HAProxy's runtime API says; docs/metrics.md has each."""

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from ..admission import ANY_MODEL, COUNTS, TABLE
from ..plan import Backend
from ..refusals import GRPC_REFUSALS

Sample = tuple[str, float]
"""A metric's labels, and its value."""
ENTRY = re.compile(r"key=(?P<key>\S*) .*")
FIELD = re.compile(r"(\w+)=(\d+)")
PRIORITIES = {"": "normal", "low": "low"}
HELP = {
    "berth_front_requests": "gauge Requests of a model that are under way, those that wait for their turn included.",
    "berth_front_waiting": "gauge Requests of a model that wait in the front, of both priorities.",
    "berth_front_wait_seconds": "gauge How long a request that came now would take, as the front estimates it.",
    "berth_front_refusals_total": "counter Requests that the front answered with an error by itself.",
    "berth_front_connections": "gauge Clients' connections, idle ones included.",
}


def render_metrics(ask: Callable[[str], str], backends: Sequence[Backend]) -> str:
    """Ask for all numbers and write them in Prometheus' text format; BerthError where HAProxy does not answer."""
    queues = _read_table(ask(f"show table {TABLE}"))
    labels = {backend.name: _labels(backend.model.name, backend.model.version) for backend in backends}
    found = {
        "berth_front_requests": _queue_samples(queues, labels, lambda queue: queue.get("conn_cur", 0)),
        "berth_front_waiting": _waiting_samples(ask("show stat"), labels),
        "berth_front_wait_seconds": _queue_samples(queues, labels, _wait_s),
        "berth_front_refusals_total": _refusal_samples(_read_table(ask(f"show table {COUNTS}")), labels),
        "berth_front_connections": [("", _connections(ask("show info")))],
    }
    return "".join(line for name, samples in found.items() for line in _lines(name, samples))


def _labels(name: str, version: str) -> str:
    return f'model_name="{name}",model_version="{version}"'


ANY = _labels("*", "*")
NONE = _labels("", "")


def _lines(name: str, samples: Sequence[Sample]) -> Iterator[str]:
    kind, _, meaning = HELP[name].partition(" ")
    yield f"# HELP {name} {meaning}\n# TYPE {name} {kind}\n"
    yield from (f"{name}{labels} {value:g}\n" for labels, value in dict(samples).items())


def _read_table(shown: str) -> dict[str, dict[str, int]]:
    """A stick table's entries, as `show table` lists them: their numbers by their keys."""
    entries = filter(None, map(ENTRY.search, shown.splitlines()))
    return {entry["key"]: {name: int(value) for name, value in FIELD.findall(entry[0])} for entry in entries}


def _queue_samples(
    queues: dict[str, dict[str, int]], labels: dict[str, str], measure: Callable[[dict[str, int]], float]
) -> list[Sample]:
    return [
        (f'{{{label},priority="{name}"}}', measure(queues.get(f"{backend}/{part}".rstrip("/"), {})))
        for backend, label in {**labels, ANY_MODEL: ANY}.items()
        for part, name in PRIORITIES.items()
    ]


def _wait_s(queue: dict[str, int]) -> float:
    return queue.get("gpt0", 0) * (queue.get("conn_cur", 0) + 1) / 1e6


def _waiting_samples(stat: str, labels: dict[str, str]) -> list[Sample]:
    rows = csv.DictReader(io.StringIO(stat.removeprefix("# ")))
    waiting = {row["pxname"]: row["qcur"] for row in rows if row["svname"] == "BACKEND"}
    return [(f"{{{label}}}", float(waiting[backend])) for backend, label in labels.items()]


def _refusal_samples(counts: dict[str, dict[str, int]], labels: dict[str, str]) -> list[Sample]:
    """Every reason of every model, those that never were at 0: else Prometheus' rate() would not see the first."""
    known = {**labels, ANY_MODEL: ANY}
    never: dict[str, dict[str, int]] = {f"{backend}:{reason}": {} for backend in known for reason in GRPC_REFUSALS}
    samples: Counter[str] = Counter()
    for key, entry in {**never, **counts}.items():
        backend, _, reason = key.rpartition(":")
        samples[f'{{{known.get(backend, NONE)},reason="{reason}"}}'] += entry.get("gpc0", 0)
    return list(samples.items())


def _connections(info: str) -> float:
    return float(re.search(r"^CurrConns: (\d+)$", info, re.MULTILINE)[1])  # type: ignore[index]
