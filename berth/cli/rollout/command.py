"""The commands that change what a running server serves."""

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ...errors import UsageError
from ..options import AsJson, Commands, wants_json

if TYPE_CHECKING:
    from ...rollout.messages import Order

SECONDS = re.compile(r"(?P<number>\d{1,5}(\.\d{1,3})?)(?P<unit>s|m)")
PERCENT = re.compile(r"([1-9]\d?)%")
UNIT_S = {"s": 1.0, "m": 60.0}
OBSERVE = "60s"

Archive = Annotated[Path, typer.Argument(help="A .mar, or the folder it was unpacked to, where the server runs.")]
Observe = Annotated[
    str, typer.Option(metavar=OBSERVE, help="How long errors, latency and health are watched before the old one goes.")
]
Golden = Annotated[
    Path | None,
    typer.Option(help="What both versions are asked: texts, one a line, or JSON objects. Default: the known inputs."),
]


def rollout(
    archive: Archive,
    golden: Golden = None,
    observe: Observe = OBSERVE,
    canary: Annotated[
        str | None, typer.Option(metavar="10%", help="First give the new version this share, for as long as --observe.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Put an archive in the place of the served one with its name, while clients go on asking.

    It is verified, counted beside the live one, started, proven and compared; then clients' requests go to it, and the
    old one ends once it has answered its last. Whatever fails puts the old one back: exit code 1, or 4 where it was
    refused before it started. Ctrl-C puts it back too.

    \b
    berth rollout model_store/bert-2.mar --golden texts.txt --canary 10% --observe 60s
    """
    from ...rollout.golden import read_golden_of_order  # noqa: PLC0415
    from ...rollout.messages import Action, Order  # noqa: PLC0415

    observe_s = parse_seconds(observe)
    if canary and not observe_s:
        raise UsageError(f"--canary {canary} is watched for no time with --observe {observe}: name a longer one")
    order = Order(
        action=Action.ROLLOUT,
        archive=str(archive.absolute()),
        golden=read_golden_of_order(golden) if golden else [],
        observe_s=observe_s,
        canary_percent=parse_percent(canary) if canary else 0,
    )
    _give(order, as_json)


def rollback(observe: Observe = OBSERVE, as_json: AsJson = False) -> None:
    """Serve again what was live before the last change, by the same steps."""
    from ...rollout.messages import Action, Order  # noqa: PLC0415

    _give(Order(action=Action.ROLLBACK, observe_s=parse_seconds(observe)), as_json)


def register(archive: Archive, observe: Observe = OBSERVE, as_json: AsJson = False) -> None:
    """Serve one archive more, beside those that are served: another model, or another version of one.

    Such a version is not the default: `berth default` makes it that.
    """
    from ...rollout.messages import Action, Order  # noqa: PLC0415

    _give(Order(action=Action.REGISTER, archive=str(archive.absolute()), observe_s=parse_seconds(observe)), as_json)


def unregister(
    model: Annotated[str, typer.Argument(help="NAME with all its versions, or NAME/VERSION.")],
    observe: Observe = OBSERVE,
    as_json: AsJson = False,
) -> None:
    """Serve a model no more; requests to it that were accepted are answered."""
    from ...rollout.messages import Action, Order  # noqa: PLC0415

    _give(Order(action=Action.UNREGISTER, name=model, observe_s=parse_seconds(observe)), as_json)


def default(
    model: Annotated[str, typer.Argument(help="Its name.")],
    version: Annotated[str, typer.Argument(help="A version of it that is served.")],
    as_json: AsJson = False,
) -> None:
    """Let a served version of a model answer who names none; the others go on by their versions.

    \b
    berth default bert 1.0
    """
    from ...rollout.messages import Action, Order  # noqa: PLC0415

    _give(Order(action=Action.DEFAULT, name=model, version=version), as_json)


def parse_seconds(text: str) -> float:
    """Read a duration such as 60s or 5m, in seconds; UsageError for anything else."""
    match = SECONDS.fullmatch(text)
    if match is None:
        raise UsageError(f"--observe is {text!r}; it is a time such as 60s or 5m")
    return float(match["number"]) * UNIT_S[match["unit"]]


def parse_percent(text: str) -> int:
    """Read a share such as 10%; UsageError for anything but 1% to 99%."""
    match = PERCENT.fullmatch(text)
    if match is None:
        raise UsageError(f"--canary is {text!r}; it is a share of the requests from 1% to 99%")
    return int(match[1])


def _give(order: "Order", as_json: bool) -> None:
    """Show what becomes of an order, and end with its exit code."""
    from .order import carry_out  # noqa: PLC0415

    sys.exit(carry_out(order, as_json=wants_json(as_json)))


COMMANDS: Commands = (
    (rollout, "Put another version in a served model's place, or put it back."),
    (rollback, "Serve again what was live before the last change."),
    (register, "Serve one archive more on a running server."),
    (default, "Let a served version of a model answer who names none."),
    (unregister, "Serve a model no more on a running server."),
)
