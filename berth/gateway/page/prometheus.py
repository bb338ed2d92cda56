"""Numbers out of Prometheus' text format, by model. Pure."""

import re

SAMPLE = re.compile(r"(?P<name>\w+)\{(?P<labels>[^}]*)\} (?P<value>\S+)")
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
Buckets = list[tuple[str, float]]
"""Upper bounds and how many observations are not above them, of a histogram."""


def read_buckets(text: str, histogram: str) -> dict[str, Buckets]:
    """A histogram's buckets by model_name, smallest first, as they stand; +Inf is the last bound."""
    found: dict[str, Buckets] = {}
    for labels, value in _samples(text, f"{histogram}_bucket"):
        found.setdefault(labels.get("model_name", ""), []).append((labels.get("le", ""), value))
    return {model: sorted(buckets, key=lambda bucket: float(bucket[0])) for model, buckets in found.items()}


def read_sums(text: str, name: str) -> dict[str, float]:
    """A metric's samples by model_name, added up over all other labels."""
    found: dict[str, float] = {}
    for labels, value in _samples(text, name):
        model = labels.get("model_name", "")
        found[model] = found.get(model, 0.0) + value
    return found


def _samples(text: str, name: str) -> list[tuple[dict[str, str], float]]:
    matches = (SAMPLE.match(line) for line in text.splitlines() if line.startswith(f"{name}{{"))
    return [(dict(LABEL.findall(each["labels"])), float(each["value"])) for each in matches if each]
