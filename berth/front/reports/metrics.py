"""The front's numbers as Prometheus reads them, made of what HAProxy's runtime API says; docs/metrics.md has each."""

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from ...archive.served_model import ServedModel
from ..admission import ANY_MODEL, COUNTS, TABLE
from ..plan import BESIDE, backend_of
from ..refusals import GRPC_REFUSALS

Sample = tuple[str, float]
"""A metric's labels, and its value."""
PREFIX = ANY_MODEL.removesuffix("*")
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


def render_metrics(ask: Callable[[str], str], models: Sequence[ServedModel]) -> str:
    """Ask for all numbers and write them in Prometheus' text format; BerthError where HAProxy does not answer."""
    queues = _read_table(ask(f"show table {TABLE}"))
    found = {
        "berth_front_requests": _queue_samples(queues, models, lambda queue: queue.get("conn_cur", 0)),
        "berth_front_waiting": _waiting_samples(ask("show stat"), models),
        "berth_front_wait_seconds": _queue_samples(queues, models, _wait_s),
        "berth_front_refusals_total": _refusal_samples(_read_table(ask(f"show table {COUNTS}")), models),
        "berth_front_connections": [("", _connections(ask("show info")))],
    }
    return "".join(line for name, samples in found.items() for line in _lines(name, samples))


def _lines(name: str, samples: Sequence[Sample]) -> Iterator[str]:
    kind, _, meaning = HELP[name].partition(" ")
    yield f"# HELP {name} {meaning}\n# TYPE {name} {kind}\n"
    yield from (f"{name}{labels} {value:g}\n" for labels, value in samples)


def _read_table(shown: str) -> dict[str, dict[str, int]]:
    """A stick table's entries, as `show table` lists them: their numbers by their keys."""
    entries = filter(None, map(ENTRY.search, shown.splitlines()))
    return {entry["key"]: {name: int(value) for name, value in FIELD.findall(entry[0])} for entry in entries}


def _queue_samples(
    queues: dict[str, dict[str, int]], models: Sequence[ServedModel], measure: Callable[[dict[str, int]], float]
) -> list[Sample]:
    return [
        (f'{{model_name="{model}",priority="{name}"}}', measure(queues.get(f"{PREFIX}{model}/{part}".rstrip("/"), {})))
        for model in _names(models)
        for part, name in PRIORITIES.items()
    ]


def _wait_s(queue: dict[str, int]) -> float:
    return queue.get("gpt0", 0) * (queue.get("conn_cur", 0) + 1) / 1e6


def _waiting_samples(stat: str, models: Sequence[ServedModel]) -> list[Sample]:
    rows = csv.DictReader(io.StringIO(stat.removeprefix("# ")))
    waiting = {row["pxname"]: row["qcur"] for row in rows if row["svname"] == "BACKEND"}
    return [(f'{{model_name="{model.name}"}}', float(waiting[backend_of(model)])) for model in models]


def _refusal_samples(counts: dict[str, dict[str, int]], models: Sequence[ServedModel]) -> list[Sample]:
    """Every reason of every model, those that never were at 0: else Prometheus' rate() would not see the first."""
    keys: dict[str, dict[str, int]] = {
        f"{PREFIX}{model}:{reason}": {} for model in _names(models) for reason in GRPC_REFUSALS
    }
    samples: Counter[str] = Counter()
    for key, entry in {**keys, **counts}.items():
        queue, _, reason = key.rpartition(":")
        samples[f'{{model_name="{_model(queue)}",reason="{reason}"}}'] += entry.get("gpc0", 0)
    return list(samples.items())


def _names(models: Sequence[ServedModel]) -> list[str]:
    return [*(model.name for model in models), "*"]


def _model(queue: str) -> str:
    """The model of a queue; "" for what belongs to none, and of a version beside the name that it shares."""
    return queue.removeprefix(PREFIX).removesuffix(BESIDE) if queue.startswith(PREFIX) else ""


def _connections(info: str) -> float:
    return float(re.search(r"^CurrConns: (\d+)$", info, re.MULTILINE)[1])  # type: ignore[index]
