"""What a card should reach, and how each goal is read off the figures. Pure.

The goals were set beside one H100 (BERT-base, bf16, 16 cores of its host); on another card the ratios say more.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

Figures = Mapping[str, float]
SERVED = "served"


@dataclass(frozen=True, slots=True)
class Goal:
    """A sentence, the figure that decides on it, and the bound."""

    text: str
    read: Callable[[Figures], float]
    """KeyError where a figure is missing: it was not measured."""
    at_least: float | None = None
    at_most: float | None = None

    def is_met(self, value: float) -> bool:
        """Whether the value keeps to the bound."""
        return (self.at_least is None or value >= self.at_least) and (self.at_most is None or value <= self.at_most)


def figure(name: str) -> Callable[[Figures], float]:
    """The figure itself."""
    return lambda figures: figures[name]


def best(figures: Figures, mix: str, unit: str) -> float:
    """The highest of a mix over all numbers of clients; KeyError without any."""
    begin = f"{SERVED}.{mix}."
    names = [name for name in figures if name.startswith(begin) and name[len(begin) :].partition(".")[2] == unit]
    return max(figures[name] for name in names) if names else figures[begin]


def over(one: Callable[[Figures], float], other: Callable[[Figures], float]) -> Callable[[Figures], float]:
    """Their ratio."""
    return lambda figures: one(figures) / other(figures)


def rate(mix: str, unit: str = "texts_per_s") -> Callable[[Figures], float]:
    """The highest rate of a mix."""
    return lambda figures: best(figures, mix, unit)


def lone_beyond_device(figures: Figures) -> float:
    """What a lone request takes over its kernels and the handler that does nothing, in ms."""
    lone = f"{SERVED}.classification.one.1"
    nothing_ms = figures[f"{lone}.nothing_p50_ms"]
    return figures[f"{lone}.p50_ms"] - nothing_ms - figures["forward.batch.32.on_device_ms"]


def many_clients(figures: Figures) -> float:
    """Requests/s of 512 clients over what is asked: 14,000, or 90 % of the handler that does nothing."""
    many = f"{SERVED}.classification.one.512"
    return figures[f"{many}.requests_per_s"] / min(14_000, 0.9 * figures[f"{many}.nothing_requests_per_s"])


def served_peak(figures: Figures) -> float:
    """The share of the matmul peak of lists of texts of 128 tokens, by the work that forward alone has for a token."""
    alone = figures["forward.128.peak_ratio"] / figures["forward.128.tokens_per_s"]
    return best(figures, "classification.lists_128", "tokens_per_s") * alone


def worst_prediction(figures: Figures) -> float:
    """How far memory was from its prediction, as a share of it; KeyError without any."""
    ratios = [value for name, value in figures.items() if name.startswith("memory.") and name.endswith(".taken_ratio")]
    return max(abs(ratio - 1) for ratio in ratios) if ratios else figures["memory"]


def worst_difference(figures: Figures) -> float:
    """The largest difference between recorded and eager rows."""
    found = [value for name, value in figures.items() if name.startswith("forward.") and name.endswith(".difference")]
    return max(found) if found else figures["forward.difference"]


def recovered(figures: Figures) -> float:
    """Of the times that a card was full, the share after which it answered again."""
    found = [value for name, value in figures.items() if name.endswith(".recovered_status")]
    return sum(value == 200 for value in found) / len(found) if found else figures["faults.recovered_status"]


GOALS = (
    Goal("tests/gpu: failures", figure("answers.failed"), at_most=0),
    Goal("recorded passes beside eager ones: largest difference", worst_difference, at_most=1e-2),
    Goal("lone request, classification: p50, ms", figure("served.classification.one.1.p50_ms"), at_most=3),
    Goal("lone request over its kernels and a do-nothing handler, ms", lone_beyond_device, at_most=1.5),
    Goal("512 clients: requests/s over 14,000, or 90 % of a do-nothing handler's if less", many_clients, at_least=1),
    Goal("512 clients: requests refused", figure("served.classification.one.512.refused"), at_most=0),
    Goal("lists of 64 texts of 128 tokens: share of the matmul peak", served_peak, at_least=0.35),
    Goal(
        "lists of 64 texts of 25 tokens: tokens/s",
        rate("classification.lists_25", "tokens_per_s"),
        at_least=1.2e6,
    ),
    Goal(
        "embeddings as base64 over classification, lists of 64",
        over(rate("base64.lists_25"), rate("classification.lists_25")),
        at_least=0.75,
    ),
    Goal(
        "embeddings as JSON over a do-nothing handler with answers of that size, lists of 64",
        over(rate("json.lists_25", "requests_per_s"), rate("json.lists_25", "nothing_requests_per_s")),
        at_least=0.9,
    ),
    Goal("lists of 64 embeddings from 64 clients: refused", figure("served.json.lists_25.64.refused"), at_most=0),
    Goal(
        "lists of 64 over sentence-transformers' encode, batch 256",
        over(figure("peers.berth.json.lists_25.texts_per_s"), figure("peers.encode.256.texts_per_s")),
        at_least=10,
    ),
    Goal(
        "one text over a FastAPI server around encode",
        over(figure("peers.berth.json.one.texts_per_s"), figure("peers.fastapi.json.one.texts_per_s")),
        at_least=4,
    ),
    Goal("ready, s", figure("starts.ready_s"), at_most=8),
    Goal("GPU files that the fork server holds open", figure("starts.open_gpu_files"), at_most=0),
    Goal("memory on the card beside its prediction: off by", worst_prediction, at_most=0.15),
    Goal("a full card: answers again when it is free", recovered, at_least=1),
    Goal("a lost device: requests that failed with it, of 8 clients", figure("faults.lost.failed_with_it"), at_most=8),
    Goal("a lost device: workers ready again", figure("faults.lost.workers_again"), at_least=2),
)
