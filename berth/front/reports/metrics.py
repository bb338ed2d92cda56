"""The front's numbers as Prometheus reads them, made of what HAProxy's runtime API says; docs/metrics.md has each."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

from ...exposition import Family, Kind, Sample, render
from ..admission import ANY_MODEL, COUNTS, SILENCE, TABLE
from ..plan import Backend
from ..refusals import GRPC_REFUSALS
from .histogram import histogram_samples
from .runtime_tables import Entry, oldest_ages, read_backends, read_table

PRIORITIES = {"": "normal", "low": "low"}
CLASSES = ("2xx", "4xx", "5xx")

UNDER_WAY = Family(
    name="berth_front_under_way",
    kind=Kind.GAUGE,
    unit="count",
    meaning="requests that are under way, of every model and priority together: what autoscaling follows",
)
REQUESTS = Family(
    name="berth_front_requests",
    kind=Kind.GAUGE,
    unit="count",
    meaning="requests of a model that are under way, those that wait included",
    labels=("priority",),
)
WAITING = Family(
    name="berth_front_waiting",
    kind=Kind.GAUGE,
    unit="count",
    meaning="of those, the ones that wait in the front and are not at TorchServe yet",
)
OLDEST = Family(
    name="berth_front_oldest_seconds",
    kind=Kind.GAUGE,
    unit="seconds",
    meaning="how long the oldest request that is under way has been, in whole seconds; 0 where none is",
)
WAIT = Family(
    name="berth_front_wait_seconds",
    kind=Kind.GAUGE,
    unit="seconds",
    meaning="how long a request that came now would take, as the front estimates it",
    labels=("priority",),
)
SECONDS = Family(
    name="berth_front_request_seconds",
    kind=Kind.HISTOGRAM,
    unit="seconds",
    meaning="how long a request takes from its place in the queue to the head of its answer; buckets from 0.001 to 10",
)
ANSWERS = Family(
    name="berth_front_answers_total",
    kind=Kind.COUNTER,
    unit="count",
    meaning="answers to requests that reached a model's queue, by the class of their status",
    labels=("code",),
)
REFUSALS = Family(
    name="berth_front_refusals_total",
    kind=Kind.COUNTER,
    unit="count",
    meaning="requests that the front answered with an error by itself; `model_name` is empty where none was named",
    labels=("reason",),
)
CONNECTIONS = Family(
    name="berth_front_connections",
    kind=Kind.GAUGE,
    unit="count",
    meaning="clients' connections, idle ones and health probes' included",
)
FAMILIES = (UNDER_WAY, REQUESTS, WAITING, OLDEST, WAIT, SECONDS, ANSWERS, REFUSALS, CONNECTIONS)


Labels = Mapping[str, str]


def render_metrics(ask: Callable[[str], str], backends: Sequence[Backend]) -> str:
    """Ask for all numbers and write them in Prometheus' text format; BerthError where HAProxy does not answer."""
    labels = {each.name: _labels(each.model.name, each.model.version) for each in backends}
    known = {**labels, ANY_MODEL: _labels("*", "*")}  # and TorchServe's own gRPC calls
    queues, shown = list(_queues(read_table(ask(f"show table {TABLE}")), known)), read_backends(ask("show stat"))
    oldest = oldest_ages(ask("show sess"))
    return render(
        {
            UNDER_WAY: [Sample(labels={}, value=sum(entry.get("conn_cur", 0) for _, entry in queues))],
            REQUESTS: [Sample(labels=own, value=entry.get("conn_cur", 0)) for own, entry in queues],
            WAITING: [Sample(labels=own, value=float(shown[name]["qcur"])) for name, own in labels.items()],
            OLDEST: [Sample(labels=own, value=oldest.get(name, 0)) for name, own in labels.items()],
            WAIT: [Sample(labels=own, value=_wait_s(entry)) for own, entry in queues],
            SECONDS: list(_histograms(read_table(ask(f"show table {SILENCE}")), known)),
            ANSWERS: list(_answer_samples(shown, labels)),
            REFUSALS: _refusal_samples(read_table(ask(f"show table {COUNTS}")), known),
            CONNECTIONS: [Sample(labels={}, value=_connections(ask("show info")))],
        }
    )


def _labels(name: str, version: str) -> Labels:
    return {"model_name": name, "model_version": version}


def _queues(table: Mapping[str, Entry], known: Mapping[str, Labels]) -> Iterator[tuple[Labels, Entry]]:
    """Each queue's labels and its entry, which is empty before its first request."""
    for backend, own in known.items():
        for part, name in PRIORITIES.items():
            yield {**own, "priority": name}, table.get(f"{backend}/{part}".rstrip("/"), {})


def _wait_s(queue: Entry) -> float:
    return queue.get("gpt0", 0) * (queue.get("conn_cur", 0) + 1) / 1e6


def _answer_samples(shown: Mapping[str, Mapping[str, str]], labels: Mapping[str, Labels]) -> Iterator[Sample]:
    for backend, own in labels.items():
        for code in CLASSES:
            yield Sample(labels={**own, "code": code}, value=int(shown[backend][f"hrsp_{code}"] or 0))


def _histograms(table: Mapping[str, Entry], known: Mapping[str, Labels]) -> Iterator[Sample]:
    for backend, own in known.items():
        yield from histogram_samples(table.get(backend, {}), own)


def _refusal_samples(counts: Mapping[str, Entry], known: Mapping[str, Labels]) -> list[Sample]:
    """Every reason of every model, those that never were at 0: else Prometheus' rate() would not see the first."""
    never: dict[str, Entry] = {f"{backend}:{reason}": {} for backend in known for reason in GRPC_REFUSALS}
    counted: Counter[tuple[str, str]] = Counter()
    for key, entry in {**never, **counts}.items():
        backend, _, reason = key.rpartition(":")
        counted[backend if backend in known else "", reason] += entry.get("gpc0", 0)
    none = _labels("", "")
    return [
        Sample(labels={**known.get(backend, none), "reason": reason}, value=count)
        for (backend, reason), count in counted.items()
    ]


def _connections(info: str) -> float:
    return float(re.search(r"^CurrConns: (\d+)$", info, re.MULTILINE)[1])  # type: ignore[index]
