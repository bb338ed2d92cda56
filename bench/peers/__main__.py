"""`python -m bench.peers`: how many requests does each way of serving answer, and how late, on this machine now?"""

import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..machine import describe_run
from .measure.mixes import LOGNORMAL, MIXES

if TYPE_CHECKING:
    from .measure.course import Outcome
    from .measure.scene import Effort
    from .peer import Peer

COMMAND = "python -m bench.peers"
WARM_UP_S = 2.0


def main(
    output: Annotated[
        Path | None,
        typer.Option(help="Write a page here, beside it its JSON, plots and raw latencies. Default: only print it."),
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds; each measures every peer once.")] = 5,
    seconds: Annotated[float, typer.Option(min=1, help="Seconds of each measurement.")] = 10.0,
    model: Annotated[list[str] | None, typer.Option(help="MiniLM or BERT-base. Default: both.")] = None,
    only: Annotated[list[str] | None, typer.Option(help="A word in names of peers. Default: all peers.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="The first mix alone, and no open loop.")] = False,
) -> None:
    """Install the peers below .peers/ (4 GB, minutes, once) and measure them: two hours with all of it."""
    from .catalogue import all_peers  # noqa: PLC0415 - `--help` answers at once
    from .measure.scene import Effort  # noqa: PLC0415
    from .models import MODELS  # noqa: PLC0415

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the servers are ended too
    mixes = [LOGNORMAL] if quick else list(MIXES)
    effort = Effort(rounds=rounds, warm_up_s=WARM_UP_S, duration_s=seconds, mixes=mixes, has_open_loop=not quick)
    peers = [peer for peer in all_peers() if not only or any(word in peer.name for word in only)]
    measure(effort, peers, model or list(MODELS), output)


def measure(effort: "Effort", peers: "Sequence[Peer]", models: Sequence[str], output: Path | None) -> None:
    """Measure every peer with every model, and keep what is known; print all of it in the end."""
    from .measure.course import measure_model  # noqa: PLC0415
    from .measure.scene import set_scene, settings_of  # noqa: PLC0415
    from .models import make_model  # noqa: PLC0415
    from .report.document import to_document  # noqa: PLC0415
    from .report.keeping import keep  # noqa: PLC0415
    from .report.page import to_page  # noqa: PLC0415

    facts = describe_run(" ".join((COMMAND, *sys.argv[1:])))
    outcomes: dict[str, Outcome] = {}
    latencies_ms: dict[str, list[float]] = {}
    for name in models:
        scene = set_scene(make_model(name), effort, lambda line: sys.stderr.write(f"bench: {line}\n"))
        for outcomes[name] in measure_model(scene, peers):
            latencies_ms |= scene.latencies_ms
            document = to_document(facts, settings_of(effort), list(outcomes.values()))
            keep(document, latencies_ms, output)  # after each round, so that an interrupted run has something to show
    print(to_page(document, ()))
    print(json.dumps(document))


if __name__ == "__main__":
    typer.run(main)
