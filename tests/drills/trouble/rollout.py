"""A new version and back while clients go on asking, and worse ones that a canary shows, which are put back."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.support.rollout.clients import KINDS, never_pausing
from tests.support.rollout.orders import finish, order, start
from tests.support.rollout.versions import make_version
from tests.support.servers import Server, running_server

from ..clients import LOST, RIGHT, WRONG, Tally
from ..served.models import FAILS, IS_SLOW, pack_sample, unpack_with_trouble
from ..table import table, verdict
from .counted import HEADER, asker_of, row, sum_of, under_load

CANARY, OBSERVED_S = "30%", 30
ARGUMENTS = ("--canary", CANARY, "--observe", f"{OBSERVED_S}s")


@dataclass(frozen=True, kw_only=True)
class Change:
    """One order under load, and what came of it."""

    what: str
    tally: Tally
    said: str
    live: str
    """The version that answers now."""


def run(folder: Path) -> Iterator[str]:
    """Both versions are the sample, so every answer of either is known."""
    first, second = (pack_sample(folder / version, version) for version in ("1.0", "2.0"))
    failing, slow = (
        unpack_with_trouble(pack_sample(folder / version, version), trouble)
        for version, trouble in (("3.0", FAILS), ("4.0", IS_SLOW))
    )
    with running_server([first]) as server:
        changes = [
            change(server, "a rollout with a canary", "rollout", second, *ARGUMENTS),
            change(server, "rollback", "rollback", "--observe", "5s"),
            change(server, "a canary that fails", "rollout", failing, *ARGUMENTS),
            change(server, "a canary that is slow", "rollout", slow, *ARGUMENTS),
        ]
    yield from table(HEADER, [row(each.what, each.tally, f"{each.live} is live: {each.said}") for each in changes])
    *good, failed, slower = changes
    yield verdict(all(_is_right(each) for each in (*good, slower)), "every request is answered, and rightly")
    yield verdict([each.live for each in changes] == ["2.0", "1.0", "1.0", "1.0"], "what is worse is put back")
    yield verdict(
        not sum_of(WRONG, failed.tally) + sum_of(LOST, failed.tally), "a canary's errors are all that it costs"
    )

    yield from by_version(folder / "versions")


def by_version(folder: Path) -> Iterator[str]:
    """Sixteen clients that never pause, and handlers that answer with their version."""
    first, second = (make_version(folder, version) for version in ("1.0", "2.0"))
    with running_server([first]) as server, never_pausing(server) as clients:
        order(server, "rollout", second, *ARGUMENTS)
        order(server, "rollback", "--observe", "5s")
    answers = {kind: clients.answers[kind] for kind in KINDS}
    rows = [(f"{KINDS[kind]} {kind}", counted["1.0"], counted["2.0"]) for kind, counted in answers.items()]
    yield from table(("clients, connections", "answers of 1.0", "of 2.0"), rows)
    yield verdict(not clients.failures, f"a rollout and back, {clients.failures.total()} failed")


def change(server: Server, what: str, *order: object) -> Change:
    """Give the order under load."""
    asker = asker_of(server)
    with under_load(asker) as tally:
        began_s = time.monotonic()
        code, steps = finish(start(server, *order))
        took_s = time.monotonic() - began_s
    ended = steps.get("failed", steps[list(steps)[-1]])
    said = f"{ended['text']} (exit code {code}, {took_s:.0f} s)"
    return Change(what=what, tally=tally, said=said, live=server.describe()["modelVersion"])


def _is_right(change: Change) -> bool:
    return change.tally.ends[RIGHT] == change.tally.ends.total()
