"""Prometheus' text format: families of samples, each with a line of help of its own."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

CONTENT_TYPE = "text/plain; version=0.0.4"


class Kind(StrEnum):
    """What a family's samples are, in Prometheus' words."""

    GAUGE = "gauge"
    COUNTER = "counter"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """One metric, as it is shown and documented."""

    name: str
    kind: Kind
    unit: str
    meaning: str
    """Its HELP, and its row in docs/metrics.md."""
    labels: tuple[str, ...] = ()
    """Beside `model_name`, for the document."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A value and its labels; `suffix` is a histogram's `_bucket`, `_sum` or `_count`."""

    value: float
    labels: Mapping[str, str]
    suffix: str = ""


def render(families: Mapping[Family, Iterable[Sample]]) -> str:
    """Write families with their samples. Of samples with the same labels the first counts: Prometheus takes one."""
    return "".join(line for family, samples in families.items() for line in _lines(family, samples))


def _lines(family: Family, samples: Iterable[Sample]) -> Iterator[str]:
    values: dict[str, float] = {}
    for sample in samples:
        values.setdefault(f"{family.name}{sample.suffix}{_braced(sample.labels)}", sample.value)
    yield f"# HELP {family.name} {family.meaning}\n# TYPE {family.name} {family.kind}\n"
    yield from (f"{name} {value:.15g}\n" for name, value in values.items())


def _braced(labels: Mapping[str, str]) -> str:
    return f"{{{','.join(f'{name}={_quoted(value)}' for name, value in labels.items())}}}" if labels else ""


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
