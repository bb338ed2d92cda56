"""A document of two rounds, made by the code that makes real ones."""

from typing import Any

import pytest

from bench.peers.measure.cell import BESIDE, CLOSED, LONE, OPEN, Cell
from bench.peers.measure.course import Chosen, Outcome
from bench.peers.peer import Model, Peer, Serve, Setting
from bench.peers.report.document import to_document

MIXES = ("lognormal, mean 24", "all 512")
ONE = Setting(workers=1, threads=2, batch=8)
PEERS = {"berth": "fp32", "berth, fastest": "fastest", "slow": "fp32", "quick": "int8"}


def never(_model: Model) -> Serve:
    raise AssertionError("nothing is served here")


def make_cell(peer: str, number: int, rps: float, **more: Any) -> Cell:
    cores = {"client_cores": 0.01, "other_cores": 0.5}
    fields = {"mix": MIXES[0], "kind": CLOSED, "load": 32, "useful_gflops": rps / 2, "p50_ms": 10.0, "p99_ms": 30.0}
    return Cell(model="MiniLM", peer=peer, round=number, rps=rps, **{**cores, **fields, **more})


def make_document(cells: list[Cell]) -> dict[str, Any]:
    chosen = [
        Chosen(
            peer=Peer(name=name, precision=precision, settings=[ONE], prepare=never),
            serve=never,  # type: ignore[arg-type]
            setting=ONE,
            tried={str(ONE): 9.5},
            least_cosine=0.9999,
        )
        for name, precision in PEERS.items()
    ]
    peaks = [{"fp32": 100.0, "int8": 300.0}] * 2
    outcome = Outcome(model="MiniLM", chosen=chosen, skipped={"absent": "no package"}, peaks=peaks, cells=cells)
    return dict(to_document({"command": "make it", "commit": "abc"}, {"clients": 32, "rounds": 3}, [outcome]))


@pytest.fixture
def cells() -> list[Cell]:
    rates = {"berth": (60.0, 66.0), "berth, fastest": (90.0, 99.0), "slow": (20.0, 22.0), "quick": (30.0, 30.0)}
    return [
        *(make_cell(peer, number, rate) for peer, found in rates.items() for number, rate in enumerate(found, 1)),
        *(make_cell(peer, 1, 5.0, kind=LONE, load=1, p50_ms=float(len(peer))) for peer in PEERS),
        *(make_cell(peer, 1, 5.0, kind=OPEN, load=share) for peer in PEERS for share in (0.5, 1.2)),
        *(make_cell("berth", 1, 4.0, kind=BESIDE, load=load) for load in (32, 0.7)),
        make_cell("slow", 1, 0.0, mix=MIXES[1], void="wrong answers"),
    ]
