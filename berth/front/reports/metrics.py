"""The front's numbers as Prometheus reads them, made of what HAProxy's runtime API says; docs/metrics.md has each."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

from ...archive.served_model import ServedModel
from ...exposition import Family, Kind, Sample, render
from ..admission import ANY_MODEL, COUNTS, SILENCE, TABLE
from ..plan import BESIDE, backend_of
from ..refusals import GRPC_REFUSALS
from .histogram import histogram_samples
from .runtime_tables import Entry, oldest_ages, read_backends, read_table

PREFIX = ANY_MODEL.removesuffix("*")
PRIORITIES = {"": "normal", "low": "low"}
CLASSES = ("2xx", "4xx", "5xx")

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
FAMILIES = (REQUESTS, WAITING, OLDEST, WAIT, SECONDS, ANSWERS, REFUSALS, CONNECTIONS)


def render_metrics(ask: Callable[[str], str], models: Sequence[ServedModel]) -> str:
    """Ask for all numbers and write them in Prometheus' text format; BerthError where HAProxy does not answer."""
    queues, backends = dict(_queues(read_table(ask(f"show table {TABLE}")), models)), read_backends(ask("show stat"))
    oldest = oldest_ages(ask("show sess"))
    return render(
        {
            REQUESTS: [_sample(queue, entry.get("conn_cur", 0)) for queue, entry in queues.items()],
            WAITING: [_of(model, float(backends[backend_of(model)]["qcur"])) for model in models],
            OLDEST: [_of(model, oldest.get(backend_of(model), 0)) for model in models],
            WAIT: [_sample(queue, _wait_s(entry)) for queue, entry in queues.items()],
            SECONDS: list(_histograms(read_table(ask(f"show table {SILENCE}")), models)),
            ANSWERS: list(_answer_samples(backends, models)),
            REFUSALS: _refusal_samples(read_table(ask(f"show table {COUNTS}")), models),
            CONNECTIONS: [Sample(labels={}, value=_connections(ask("show info")))],
        }
    )


Labels = tuple[tuple[str, str], ...]


def _queues(table: Mapping[str, Entry], models: Sequence[ServedModel]) -> Iterator[tuple[Labels, Entry]]:
    """Each queue's labels and its entry, which is empty before its first request."""
    for model in _names(models):
        for part, name in PRIORITIES.items():
            entry = table.get(f"{PREFIX}{model}/{part}".rstrip("/"), {})
            yield (("model_name", model), ("priority", name)), entry


def _sample(labels: Labels, value: float) -> Sample:
    return Sample(labels=dict(labels), value=value)


def _of(model: ServedModel, value: float) -> Sample:
    return Sample(labels={"model_name": model.name}, value=value)


def _wait_s(queue: Entry) -> float:
    return queue.get("gpt0", 0) * (queue.get("conn_cur", 0) + 1) / 1e6


def _answer_samples(backends: Mapping[str, Mapping[str, str]], models: Sequence[ServedModel]) -> Iterator[Sample]:
    """What was answered, by a version beside a name too."""
    for model in models:
        name = backend_of(model)
        rows = [backends[each] for each in (name, name + BESIDE) if each in backends]
        for code in CLASSES:
            count = sum(int(row[f"hrsp_{code}"] or 0) for row in rows)
            yield Sample(labels={"model_name": model.name, "code": code}, value=count)


def _histograms(table: Mapping[str, Entry], models: Sequence[ServedModel]) -> Iterator[Sample]:
    for model in _names(models):
        yield from histogram_samples(table.get(f"{PREFIX}{model}", {}), {"model_name": model})


def _refusal_samples(counts: Mapping[str, Entry], models: Sequence[ServedModel]) -> list[Sample]:
    """Every reason of every model, those that never were at 0: else Prometheus' rate() would not see the first."""
    keys: dict[str, Entry] = {f"{PREFIX}{model}:{reason}": {} for model in _names(models) for reason in GRPC_REFUSALS}
    counted: Counter[tuple[str, str]] = Counter()
    for key, entry in {**keys, **counts}.items():
        queue, _, reason = key.rpartition(":")
        counted[_model(queue), reason] += entry.get("gpc0", 0)
    return [
        Sample(labels={"model_name": model, "reason": reason}, value=count)
        for (model, reason), count in counted.items()
    ]


def _names(models: Sequence[ServedModel]) -> list[str]:
    return [*(model.name for model in models), "*"]


def _model(queue: str) -> str:
    """The model of a queue; "" for what belongs to none, and of a version beside the name that it shares."""
    return queue.removeprefix(PREFIX).removesuffix(BESIDE) if queue.startswith(PREFIX) else ""


def _connections(info: str) -> float:
    return float(re.search(r"^CurrConns: (\d+)$", info, re.MULTILINE)[1])  # type: ignore[index]
