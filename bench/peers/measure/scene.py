"""What every measurement of one model shares: its texts, the answers that are right, the effort, what was measured."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from berth.machine.traits import FAST_FLAGS
from berth.tune.open_loop import OpenLoop, poisson, run_open_loop
from handler.precision import cpu_flags

from ...cpu import CpuReading, CpuShares, shares_between
from ...load import LoadPlan, LoadResult, apply_load
from ...machine import num_cores
from ...rivals.bare import BareModel
from ..peer import Model, Peer
from .cell import (
    BESIDE,
    BY_WRK,
    CLIENTS,
    CLOSED,
    LONE,
    OPEN,
    Cell,
    Work,
    closed_figures,
    latencies_of,
    open_figures,
    open_latencies,
)
from .checking import Vectors
from .mixes import LOGNORMAL, NUM_TEXTS, SEED, count_tokens, make_mix
from .wrk import count_by_wrk, find_wrk

PATIENCE_S = 30.0  # of an open loop: what has no answer then is an error
CHECKED = 12  # texts of each mix whose answers are looked at before it is measured
LOADS = (0.5, 0.7, 0.9, 1.2)
"""Arrivals of the open loop, as shares of what the peer has just answered 32 clients."""
Say = Callable[[str], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How often and how long to measure."""

    rounds: int
    warm_up_s: float
    duration_s: float
    mixes: Sequence[str]
    """The first is measured in every round, and in an open loop; the others in the first round."""
    has_open_loop: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One model."""

    model: Model
    effort: Effort
    say: Say
    texts: Mapping[str, Sequence[str]]
    """By mix."""
    references: Mapping[str, Vectors]
    """By mix, the bare model's vectors of some of its texts."""
    work: Work
    cells: list[Cell] = field(default_factory=list)
    latencies_ms: dict[str, list[float]] = field(default_factory=dict)
    """By a cell's key."""

    def load(self, peer: Peer, url: str, mix: str, clients: int, seconds: float | None = None) -> LoadResult:
        """Ask a server in a closed loop."""
        plan = LoadPlan(
            url=url,
            texts=self.texts[mix],
            clients=clients,
            warm_up_s=self.effort.warm_up_s,
            duration_s=seconds or self.effort.duration_s,
            to_body=peer.to_body,
            keeps_bodies=False,
            is_patient=True,
        )
        return apply_load(plan)

    def closed(self, peer: Peer, url: str, mix: str, number: int, kind: str = CLOSED) -> Cell:
        """Measure and keep a closed loop."""
        clients = 1 if kind == LONE else CLIENTS
        result = self.load(peer, url, mix, clients)
        cell = self._cell(peer, mix, number, kind, clients)
        return self._keep(cell, closed_figures(result, self.work), latencies_of(result))

    def open(self, peer: Peer, url: str, capacity: Cell, share: float) -> Cell:
        """Measure and keep an open loop, at a share of what the peer has just answered 32 clients."""
        mix, number = capacity.mix, capacity.round
        bodies = [peer.to_body(text) for text in self.texts[mix]]
        arrivals_s = poisson(share * capacity.rps, self.effort.duration_s, seed=number)
        start = CpuReading.now()
        sent = run_open_loop(OpenLoop(url=url, bodies=bodies, arrivals_s=arrivals_s, patience_s=PATIENCE_S))
        cpu: CpuShares = shares_between(start, CpuReading.now())
        kind = BESIDE if capacity.kind == BESIDE else OPEN
        cell = self._cell(peer, mix, number, kind, share)
        return self._keep(cell, open_figures(sent, cpu), open_latencies(sent))

    def by_wrk(self, peer: Peer, url: str, number: int) -> None:
        """Have wrk, where it is installed, count the closed loop of the first mix too."""
        if wrk := find_wrk():
            mix = self.effort.mixes[0]
            bodies = [peer.to_body(text) for text in self.texts[mix]]
            rps = count_by_wrk(wrk, url, bodies, CLIENTS, self.effort.duration_s)
            self._keep(self._cell(peer, mix, number, BY_WRK, CLIENTS), {"rps": rps}, [])

    def void(self, peer: Peer, mix: str, number: int, why: str) -> None:
        """Keep that a peer has no figures for a mix."""
        self.cells.append(replace(self._cell(peer, mix, number, CLOSED, CLIENTS), void=why))
        self.say(f"{peer.name}, {mix}: void: {why}")

    def _cell(self, peer: Peer, mix: str, number: int, kind: str, load: float) -> Cell:
        return Cell(model=self.model.name, peer=peer.name, mix=mix, round=number, kind=kind, load=load)

    def _keep(self, cell: Cell, figures: Mapping[str, float], latencies_ms: list[float]) -> Cell:
        measured = replace(cell, **figures)  # type: ignore[arg-type]  # every key is a field of Cell
        self.cells.append(measured)
        if latencies_ms:
            self.latencies_ms[measured.key] = latencies_ms
        self.say(
            f"{cell.key}: {measured.rps:.1f} requests/s, p50 {measured.p50_ms:.1f} ms, p99 {measured.p99_ms:.1f} ms, "
            f"{measured.errors} errors, others {measured.other_cores:.2f} cores"
        )
        return measured


def settings_of(effort: Effort) -> dict[str, object]:
    """What a reader needs to repeat the run, beside its facts."""
    return {
        "clients": CLIENTS,
        "rounds": effort.rounds,
        "warm_up_s": effort.warm_up_s,
        "duration_s": effort.duration_s,
        "texts": f"{NUM_TEXTS} of each mix, seed {SEED}; examples/intents has fewer",
        "flags of the CPU": " ".join(sorted(flag for flag in cpu_flags() if flag.startswith(FAST_FLAGS))),
    }


def set_scene(model: Model, effort: Effort, say: Say) -> Scene:
    """Make the texts, and have the bare model answer some of each mix."""
    texts = {mix: make_mix(mix, model.folder) for mix in dict.fromkeys((*effort.mixes, LOGNORMAL))}
    bare = BareModel(model.folder, num_cores())
    references = {mix: {text: bare.embed(text) for text in found[:CHECKED]} for mix, found in texts.items()}
    tokens = count_tokens(model.folder, (text for found in texts.values() for text in found))
    work = Work(shape=model.shape, tokens=tokens)
    return Scene(model=model, effort=effort, say=say, texts=texts, references=references, work=work)
