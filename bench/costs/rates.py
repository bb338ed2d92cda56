"""Rates that were measured: of berth's rows on the pages of bench.peers, and by hand on a GPU (gpu.json)."""

import json
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..machine import REPOSITORY

PAGES = ("peers", "peers-avx512", "peers-avx2", "peers-avx2-base")
PEERS = ("berth", "berth, fastest", "berth, lone texts by OpenVINO")
MIX = "lognormal, mean 24"
GPU = Path(__file__).with_name("gpu.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """How fast one server answers one text a request."""

    where: str
    """The machine, and what is particular of the server."""
    model: str
    lone_p50_ms: float
    rps: float
    """Requests/s of many clients, each of which asks again when it is answered."""
    clients: int
    page: str
    """Where it was measured."""


def cpu_rates() -> Sequence[Rate]:
    """What the pages say, as medians over their rounds."""
    return [rate for page in PAGES for rate in _of_page(page)]


def gpu_rates() -> Sequence[Rate]:
    """BERT-base in bf16 on a card, of 2026-11-28."""
    found: list[dict[str, Any]] = json.loads(GPU.read_text("utf-8"))
    return [
        Rate(where=each["name"], model="BERT-base", page="gpu.json", **{k: v for k, v in each.items() if k != "name"})
        for each in found
    ]


def _of_page(page: str) -> Iterator[Rate]:
    document = json.loads((REPOSITORY / "docs" / "bench" / f"{page}.json").read_text("utf-8"))
    host, flags = document["host"], document["settings"]["flags of the CPU"].split()
    vectors = "AMX" if "amx_tile" in flags else "AVX512" if "avx512f" in flags else "AVX2"
    for model, found in document["models"].items():
        for peer in PEERS:
            cells = [each for each in found["cells"] if (each["peer"], each["mix"], each["void"]) == (peer, MIX, "")]
            if cells:
                yield _of_cells(cells, f"{host['cores']} cores, {host['cpu']}, {vectors}: {peer}", model, page)


def _of_cells(cells: Sequence[dict[str, Any]], where: str, model: str, page: str) -> Rate:
    closed = [cell for cell in cells if cell["kind"] == "closed"]
    return Rate(
        where=where,
        model=model,
        lone_p50_ms=statistics.median(cell["p50_ms"] for cell in cells if cell["kind"] == "lone"),
        rps=statistics.median(cell["rps"] for cell in closed),
        clients=closed[0]["load"],
        page=page,
    )
