"""`make bench-gate`: does berth still answer so many times the requests of a peer, and of its last release?

All are measured now, in turn, on this machine, so the verdict does not depend on which machine it is. A ratio fails
when its median over the rounds lies below the floor by more than the rounds differ among themselves.
"""

import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from ..stats import Spread
from .base import BASE, base_peer, newest_tag
from .catalogue import all_peers
from .measure.course import measure_model
from .measure.mixes import LOGNORMAL
from .measure.scene import Effort, set_scene
from .models import make_model
from .report.document import to_document
from .report.summary import BERTH, ratios

FLOORS = Path(__file__).with_name("floors.json")
MODEL = "MiniLM"
WARM_UP_S = 2.0


def main(
    base: Annotated[str, typer.Option(help="A revision to compare with. Default: the newest tag.")] = "",
    rounds: Annotated[int, typer.Option(min=2, help="Rounds; each measures every way once.")] = 5,
    seconds: Annotated[float, typer.Option(min=1, help="Seconds of each measurement.")] = 8.0,
) -> None:
    """Measure for some minutes; exit 1 when a ratio has fallen below its floor in bench/peers/floors.json."""
    floors: dict[str, float] = json.loads(FLOORS.read_text("utf-8"))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the servers are ended too
    if not (revision := base or newest_tag()):
        del floors[BASE]
        print(f"{BASE}: there is none yet, no tag in this repository; name another revision by BASE=REVISION")
    effort = Effort(rounds=rounds, warm_up_s=WARM_UP_S, duration_s=seconds, mixes=[LOGNORMAL], has_open_loop=False)
    found = measure(list(floors), revision, effort)
    failed = [judge(name, found[name], floor) for name, floor in floors.items()]
    sys.exit(1 if any(failed) else 0)


def measure(names: Sequence[str], revision: str | None, effort: Effort) -> dict[str, list[float]]:
    """berth's requests/s over those of each name, by round; none for what could not be measured."""
    peers = [peer for peer in all_peers() if peer.name in {BERTH, *names}]
    peers += [base_peer(revision)] if revision else []
    scene = set_scene(make_model(MODEL), effort, lambda line: sys.stderr.write(f"bench: {line}\n"))
    *_, outcome = measure_model(scene, peers)
    model = to_document({}, {}, [outcome])["models"][MODEL]
    return {name: ratios(model, LOGNORMAL, BERTH, [name]) for name in names}


def judge(name: str, found: Sequence[float], floor: float) -> bool:
    """Print one verdict; whether it is a failure. What was not measured has failed: its floor was not shown to hold."""
    fails = not found or is_below(found, floor)
    said = (
        f"berth answers {Spread.of(found).to_text(2)} times as many requests/s" if found else "not measured, see above"
    )
    print(f"{name}: {said}; the floor is {floor:g}: {'FAILED' if fails else 'kept'}")
    return fails


def is_below(ratios: Sequence[float], floor: float) -> bool:
    """Whether the rounds' median is below the floor by more than the rounds' spread."""
    spread = Spread.of(ratios)
    return spread.median < floor - (spread.high - spread.low)


if __name__ == "__main__":
    typer.run(main)
