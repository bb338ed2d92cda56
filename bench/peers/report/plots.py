"""A document -> two pictures: requests/s by peer and mix, and latency against the offered load."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..measure.cell import CLOSED, OPEN
from .page import median
from .summary import Found, select

WIDTH_IN, ROW_IN, DPI = 9.0, 0.42, 90


def write_plots(document: Mapping[str, Any], stem: Path) -> list[str]:
    """Write STEM-MODEL-requests.png and STEM-MODEL-latency.png of each model; their names."""
    import matplotlib as mpl  # noqa: PLC0415 - `--help` answers at once

    mpl.use("Agg")
    names = []
    for model, found in document["models"].items():
        for kind, draw in (("requests", _draw_requests), ("latency", _draw_latency)):
            if file := draw(found, model, stem.with_name(f"{stem.stem}-{model}-{kind}.png".lower())):
                names.append(file.name)
    return names


def _draw_requests(model: Found, name: str, file: Path) -> Path | None:
    """Bars: a group for each peer, a colour for each mix."""
    from matplotlib import pyplot  # noqa: PLC0415

    mixes = list(dict.fromkeys(cell["mix"] for cell in model["cells"]))
    peers = list(model["peers"])[::-1]
    figure, axes = pyplot.subplots(figsize=(WIDTH_IN, 1.5 + ROW_IN * len(peers)), layout="constrained")
    height = 0.85 / len(mixes)
    for place, mix in enumerate(mixes):
        rates = [median(model, peer, mix, CLOSED, "rps") for peer in peers]
        axes.barh([row - place * height for row in range(len(peers))], rates, height, label=mix)
    axes.set_yticks([row - height * (len(mixes) - 1) / 2 for row in range(len(peers))], peers)
    axes.set(xscale="log", xlabel="requests/s, 32 clients (logarithmic)", title=name)
    axes.legend(fontsize="small")
    figure.savefig(file, dpi=DPI)
    pyplot.close(figure)
    return file


def _draw_latency(model: Found, name: str, file: Path) -> Path | None:
    """p50 and p99 against arrivals a second, a line for each peer; None where there was no open loop."""
    from matplotlib import colormaps, pyplot  # noqa: PLC0415

    if not select(model, kind=OPEN):
        return None
    figure, all_axes = pyplot.subplots(1, 2, figsize=(WIDTH_IN, 4.5), sharey=True, layout="constrained")
    for axes, figure_name in zip(all_axes, ("p50_ms", "p99_ms"), strict=True):
        for number, peer in enumerate(model["peers"]):
            cells = sorted(select(model, kind=OPEN, peer=peer), key=lambda cell: cell["load"])
            rates = [cell["load"] * _capacity(model, cell) for cell in cells]
            axes.plot(
                rates, [cell[figure_name] for cell in cells], marker=".", label=peer, color=colormaps["tab20"](number)
            )
        axes.set(xscale="log", yscale="log", xlabel="arrivals a second", title=f"{name}: {figure_name[:3]}, ms")
    figure.legend(*all_axes[0].get_legend_handles_labels(), fontsize="x-small", loc="outside right upper")
    figure.savefig(file, dpi=DPI)
    pyplot.close(figure)
    return file


def _capacity(model: Found, cell: Mapping[str, Any]) -> float:
    """Requests/s of the closed loop just before an open loop."""
    same = {name: cell[name] for name in ("peer", "mix", "round")}
    (before,) = [each for each in select(model, kind=CLOSED, **same) if each["rps"]]
    return float(before["rps"])
