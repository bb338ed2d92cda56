"""Numbers out of Prometheus' text format, of each model by its NAME/VERSION. Pure."""

import re
from collections.abc import Mapping

SAMPLE = re.compile(r"(?P<name>\w+)\{(?P<labels>[^}]*)\} (?P<value>\S+)")
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
Labels = Mapping[str, str]
Buckets = list[tuple[str, float]]
"""Upper bounds and how many observations are not above them, of a histogram."""


def read_buckets(text: str, histogram: str) -> dict[str, Buckets]:
    """A histogram's buckets, smallest first, as they stand; +Inf is the last bound."""
    found: dict[str, Buckets] = {}
    for labels, value in _samples(text, f"{histogram}_bucket"):
        found.setdefault(_path(labels), []).append((labels.get("le", ""), value))
    return {model: sorted(buckets, key=lambda bucket: float(bucket[0])) for model, buckets in found.items()}


def read_sums(text: str, name: str) -> dict[str, float]:
    """A metric's samples, added up over all labels but the model's name and version."""
    found: dict[str, float] = {}
    for labels, value in _samples(text, name):
        found[_path(labels)] = found.get(_path(labels), 0.0) + value
    return found


def read_total(text: str, name: str) -> float | None:
    """All of a metric's samples, added up; None where it has none."""
    values = [value for _, value in _samples(text, name)]
    return sum(values) if values else None


def _path(labels: Labels) -> str:
    return f"{labels.get('model_name', '')}/{labels.get('model_version', '')}"


def _samples(text: str, name: str) -> list[tuple[Labels, float]]:
    matches = (SAMPLE.match(line) for line in text.splitlines() if line.startswith(f"{name}{{"))
    return [(dict(LABEL.findall(each["labels"])), float(each["value"])) for each in matches if each]
