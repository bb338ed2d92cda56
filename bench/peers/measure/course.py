"""The course of a run: prepare every peer, find its best setting, then measure one server at a time, round by round."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from berth.errors import BerthError

from ...cpu import neighbour
from ..peer import Peer, Serve, Setting
from .cell import BESIDE, CLIENTS, LOAD_BESIDE, LONE, Cell
from .checking import Void, check_answers
from .peak import measure_peaks
from .scene import LOADS, Scene

TRIAL_S = 4.0
NOT_TO_BE_HAD = {
    "OpenVINO Model Server": "PyPI has no package of it; Intel publishes archives and images elsewhere",
}
"""Peers that no harness can install by pip, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """A peer that can run, in the setting that was the fastest."""

    peer: Peer
    serve: Serve
    setting: Setting
    tried: Mapping[str, float]
    """Requests/s by setting, of a short trial of the first mix."""
    least_cosine: float
    """Of the answers that were looked at."""

    def serving(self) -> AbstractContextManager[str]:
        """Start it."""
        return self.serve(self.setting)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """All of one model's figures."""

    model: str
    chosen: Sequence[Chosen]
    skipped: Mapping[str, str]
    """Why a peer was not measured, by its name."""
    peaks: Sequence[Mapping[str, float]]
    """GFLOP/s of the best matrix product by precision, of each round."""
    cells: Sequence[Cell]


def measure_model(scene: Scene, peers: Sequence[Peer]) -> Iterator[Outcome]:
    """Measure every peer that can run and answers rightly; what is known after each round, the last being all."""
    chosen, skipped = choose_all(scene, peers)
    peaks = []
    for number in range(1, scene.effort.rounds + 1):
        peaks.append(measure_peaks())
        scene.say(f"round {number} of {scene.effort.rounds}, {scene.model.name}: peaks {peaks[-1]}")
        for each in chosen:
            measure_peer(scene, each, number)
        yield Outcome(
            model=scene.model.name, chosen=chosen, skipped=skipped, peaks=list(peaks), cells=list(scene.cells)
        )


def choose_all(scene: Scene, peers: Sequence[Peer]) -> tuple[list[Chosen], dict[str, str]]:
    """The peers that can be measured, each in its best setting; why the others cannot, by name."""
    chosen, skipped = [], dict(NOT_TO_BE_HAD)
    for peer in peers:
        try:
            chosen.append(choose_setting(scene, peer))
        except (BerthError, OSError) as error:
            skipped[peer.name] = str(error)
            scene.say(f"{scene.model.name}: {peer.name} is skipped: {error}")
    return chosen, skipped


def choose_setting(scene: Scene, peer: Peer) -> Chosen:
    """Try every setting for a few seconds; CannotRun or Void where a peer cannot be measured in any."""
    serve = peer.prepare(scene.model)
    tried: dict[Setting, float] = {}
    cosines = []
    for setting in peer.settings:
        with serve(setting) as url:
            cosines.append(check_answers(peer, url, scene.references[scene.effort.mixes[0]]))
            result = scene.load(peer, url, scene.effort.mixes[0], CLIENTS, TRIAL_S)
        tried[setting] = len(result.exchanges) / result.duration_s
        scene.say(f"{peer.name}, {setting}: {tried[setting]:.1f} requests/s, least cosine {cosines[-1]:.5f}")
    best = max(tried, key=tried.__getitem__)
    rates = {str(setting): round(rate, 1) for setting, rate in tried.items()}
    return Chosen(peer=peer, serve=serve, setting=best, tried=rates, least_cosine=min(cosines))


def measure_peer(scene: Scene, chosen: Chosen, number: int) -> None:
    """One peer's part of a round; what it fails in is kept as void."""
    first = scene.effort.mixes[0]
    try:
        with chosen.serving() as url:
            capacity = scene.closed(chosen.peer, url, first, number)
            if not capacity.requests:
                raise Void(f"none of its answers came within {scene.effort.duration_s:g} s")
            scene.closed(chosen.peer, url, first, number, LONE)
            if number == 1:
                _measure_more(scene, chosen.peer, url, capacity)
    except BerthError as error:
        scene.void(chosen.peer, first, number, str(error))


def _measure_more(scene: Scene, peer: Peer, url: str, capacity: Cell) -> None:
    """The open loop and the other mixes, in the first round alone: they take the most time."""
    scene.by_wrk(peer, url, capacity.round)
    if scene.effort.has_open_loop:
        for share in LOADS:
            scene.open(peer, url, capacity, share)
        with neighbour():
            beside = scene.closed(peer, url, capacity.mix, capacity.round, BESIDE)
            scene.open(peer, url, beside, LOAD_BESIDE)
    for mix in scene.effort.mixes[1:]:
        try:
            check_answers(peer, url, scene.references[mix])
        except Void as error:
            scene.void(peer, mix, capacity.round, str(error))
        else:
            scene.closed(peer, url, mix, capacity.round)
