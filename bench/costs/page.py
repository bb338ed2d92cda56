"""Rates and prices -> the page of what texts cost. Pure."""

from collections.abc import Sequence

from ..report import to_table
from .prices import Price
from .rates import Rate

MILLION = 1_000_000
HEADER = ("model", "machine and server", "a lone client, p50 ms", "requests/s", "tokens/s", "dollars per 1 M texts")


def dollars_per_million(dollars_an_hour: float, rps: float) -> float:
    """What a million texts cost on a machine that answers so many a second without a pause."""
    return dollars_an_hour / (rps * 3600) * MILLION


def cpu_table(rates: Sequence[Rate], machine: Price, tokens: float) -> str:
    """Each server on a CPU, with what it costs on this machine type."""
    return to_table(HEADER, [_row(rate, tokens, dollars_per_million(machine.dollars, rate.rps)) for rate in rates])


def gpu_table(rates: Sequence[Rate], tokens: float) -> str:
    """Each server on a GPU; no price of the card was read."""
    return to_table(HEADER[:-1], [_row(rate, tokens)[:-1] for rate in rates])


def machine_table(machines: Sequence[Price]) -> str:
    """Each machine type beside the first, which the other tables take."""
    rows = [[each.name, f"{each.dollars:g}", f"{each.dollars / machines[0].dollars:.2f}"] for each in machines]
    return to_table(("machine type", "dollars an hour", f"times an {machines[0].name}"), rows)


def hosted_table(hosted: Sequence[Price], tokens: float) -> str:
    """What others take for a million texts of the same length."""
    rows = [[each.name, f"{each.dollars:g}", f"{each.dollars * tokens:.2f}", each.source, each.read] for each in hosted]
    return to_table(("service", "dollars per 1 M tokens", "dollars per 1 M texts", "source", "read"), rows)


def _row(rate: Rate, tokens: float, dollars: float = 0.0) -> list[str]:
    return [
        rate.model,
        rate.where,
        f"{rate.lone_p50_ms:.1f}",
        f"{rate.rps:.0f}",
        f"{rate.rps * tokens:.0f}",
        f"{dollars:.2f}",
    ]


def claim_lines(cpu: Sequence[Rate], gpu: Sequence[Rate]) -> str:
    """How many times as fast the card is for one client and for many, and what each gets of its machine."""
    same = [rate for rate in cpu if rate.model == gpu[0].model]
    quickest, most = min(same, key=lambda rate: rate.lone_p50_ms), max(same, key=lambda rate: rate.rps)
    lone = _range([quickest.lone_p50_ms / rate.lone_p50_ms for rate in gpu], 1)
    many = _range([rate.rps / most.rps for rate in gpu], 0)
    on_card, on_cpu = (_range([rate.rps * rate.lone_p50_ms / 1000 for rate in rates], 0) for rates in (gpu, same))
    return (
        f"The best of two cores ({quickest.lone_p50_ms:.0f} ms alone, {most.rps:.0f} requests/s) beside the card: one "
        f"client is answered\n{lone} times as fast there, and many get {many} times as many answers. A text alone "
        f"costs {on_card} times\nwhat one of many costs on the card, and {on_cpu} times on two cores."
    )


def _range(values: Sequence[float], digits: int) -> str:
    return f"{min(values):.{digits}f} to {max(values):.{digits}f}"
