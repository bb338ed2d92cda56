"""Asks a server's addresses in turn: TorchServe's own, the front's, and another proxy's."""

import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

from ..load import LoadPlan, LoadResult, apply_load
from ..server import served
from ..stats import Spread, percentile
from .nginx import started_nginx

BEHIND = re.compile(r"^backend torchserve\n    server torchserve (\S+)$", re.MULTILINE)
TEXTS = tuple(f"how does a short text number {number} fare" for number in range(64))
CLIENTS = 32
SLICES = 8  # a lone client's time is cut into so many, and the addresses take turns
WARM_UP_S = 0.3
Figures = dict[str, list[float]]
"""A value for each round, by its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """How often and how long the addresses are asked."""

    rounds: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """One way to the same TorchServe."""

    name: str
    url: str
    proxy: psutil.Process | None = None


def measure(archive: Path, temp: Path, times: Times) -> Figures:
    """Serve the archive and measure it; `temp` is a folder for the server's cache and nginx."""
    figures: Figures = {}
    with served(archive, temp / "cache") as url:
        addresses = find_addresses(url)
        with started_nginx(addresses[0].url.split("/")[2], temp) as nginx:
            if nginx:
                addresses.append(Address(name="nginx", url=_at(url, nginx[0]), proxy=nginx[1]))
            for number in range(times.rounds):
                print(f"{archive.stem}: round {number + 1} of {times.rounds}", file=sys.stderr)
                for name, value in (_lone(addresses, times.seconds) | _many(addresses, times.seconds)).items():
                    figures.setdefault(name, []).append(value)
    return figures


def find_addresses(url: str) -> list[Address]:
    """TorchServe's own address and the front's, with its process."""
    haproxy = find_haproxy()
    return [Address(name="behind", url=find_behind(url, haproxy)), Address(name="haproxy", url=url, proxy=haproxy)]


def find_behind(url: str, haproxy: psutil.Process) -> str:
    """Find the address of the same predictions at TorchServe itself, in the configuration that the front runs with."""
    command = haproxy.cmdline()
    config = Path(haproxy.cwd(), command[command.index("-f") + 1])
    behind = BEHIND.search(config.read_text("utf-8"))
    assert behind is not None, f"{config} names no TorchServe"
    return _at(url, behind[1])


def find_haproxy() -> psutil.Process:
    """Find the front's process below this one."""
    below = psutil.Process().children(recursive=True)
    (haproxy,) = [process for process in below if process.name() == "haproxy"]
    return haproxy


def _at(url: str, address: str) -> str:
    return f"http://{address}/{url.split('/', 3)[3]}"


def _lone(addresses: Sequence[Address], seconds: float) -> dict[str, float]:
    """The p50 of a lone client at each address, in ms, and what a proxy adds to it."""
    taken: dict[str, list[float]] = {address.name: [] for address in addresses}
    for _ in range(SLICES):
        for address in addresses:
            result = ask(address.url, 1, seconds / SLICES)
            taken[address.name] += [1e3 * (each.answered_s - each.sent_s) for each in result.exchanges]
    p50 = {name: percentile(values, 50) for name, values in taken.items()}
    added = {f"{name}: added p50 ms": p50[name] - p50["behind"] for name in p50 if name != "behind"}
    return {f"{name}: p50 ms": value for name, value in p50.items()} | added


def _many(addresses: Sequence[Address], seconds: float) -> dict[str, float]:
    """What 32 clients get at each address, and what a request costs the proxy."""
    figures: dict[str, float] = {}
    for address in addresses:
        before_s = core_seconds(address.proxy)
        result = ask(address.url, CLIENTS, seconds)
        rate = len(result.exchanges) / seconds
        figures[f"{address.name}: requests/s"] = rate
        if address.proxy:
            used_s = core_seconds(address.proxy) - before_s
            figures[f"{address.name}: share of requests/s"] = rate / figures["behind: requests/s"]
            figures[f"{address.name}: us a request"] = 1e6 * used_s / (rate * (seconds + WARM_UP_S))
            figures[f"{address.name}: MiB"] = rss(address.proxy) / 2**20
    return figures


def ask(url: str, clients: int, seconds: float, *, keeps_bodies: bool = False) -> LoadResult:
    """Ask an address for so long, after a short warm-up; every request must be answered."""
    plan = LoadPlan(url=url, texts=TEXTS, clients=clients, warm_up_s=WARM_UP_S, duration_s=seconds)
    result = apply_load(replace(plan, keeps_bodies=keeps_bodies))
    assert not result.num_errors, f"{url}: {result.num_errors} requests failed"
    return result


def _family(process: psutil.Process) -> list[psutil.Process]:
    return [process, *process.children(recursive=True)]


def core_seconds(process: psutil.Process | None) -> float:
    """Seconds of a core that a process and those below it have used."""
    times = [each.cpu_times() for each in (_family(process) if process else [])]
    return float(sum(each.user + each.system for each in times))


def rss(process: psutil.Process) -> int:
    """Bytes of memory that a process and those below it have."""
    return sum(int(each.memory_info().rss) for each in _family(process))


def to_table(figures: Mapping[str, Figures]) -> str:
    """Show the median and the range of every figure."""
    lines = [f"{'':28}" + "".join(f"{name:>28}" for name in figures)]
    for name in next(iter(figures.values())):
        digits = 2 if "ms" in name or "share" in name else 0
        shown = (Spread.of(values[name]).to_text(digits) for values in figures.values())
        lines.append(f"{name:28}" + "".join(f"{text:>28}" for text in shown))
    return "\n".join(lines)
