"""A client's call, what must come of it, and the row that says what did."""

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .place import Place

TOLERANCE = 1e-6  # the same engine, in batches of another size
MAX_CELL = 320


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """It works, with what `expected` says, or it is `refused`, with a sentence that this pattern finds."""

    name: str
    ask: Callable[[Place], object]
    expected: Callable[[Place], object] | None = None
    refused: str = ""
    at: str = "one"
    """The server: "one" has the sample alone, "ranker" and "labels" a small model alone, "all" one of every task."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What came of a call; `wrong` is empty when it is what must come of it."""

    client: str
    version: str
    call: str
    result: str
    wrong: str = ""

    def to_markdown(self) -> str:
        """The row of the table."""
        cells = (self.client, self.version, self.call, self.result)
        return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def make_row(client: str, version: str, call: Call, place: Place) -> Row:
    """Make the call and judge what came of it."""
    result, wrong = _judge(call, place)
    return Row(client=client, version=version, call=call.name, result=result, wrong=wrong)


def _judge(call: Call, place: Place) -> tuple[str, str]:
    try:
        found = call.ask(place)
    except Exception as error:  # noqa: BLE001 - whatever a client raises is what its user sees
        said = _words(error)
        is_meant = bool(call.refused) and re.search(call.refused, said) is not None
        return f"refused: {_shown(said)}", "" if is_meant else f"{type(error).__name__}: {said}"
    if call.expected is None:
        return "works", f"it must be refused, and got {_shown(str(found))}"
    gap = difference(found, call.expected(place))
    return (
        "equal" if gap == 0 else f"equal within {gap:.0e}"
    ), "" if gap <= TOLERANCE else f"{gap}: {_shown(str(found))}"


def difference(found: Any, expected: Any) -> float:
    """The largest difference of two numbers; infinite where anything else differs. Lists are as good as tuples."""
    if isinstance(expected, float) and isinstance(found, float | int):
        return abs(found - expected) if math.isfinite(found) else math.inf
    if isinstance(expected, Mapping) and isinstance(found, Mapping):
        same = found.keys() == expected.keys()
        return max((difference(found[key], expected[key]) for key in expected), default=0.0) if same else math.inf
    if isinstance(expected, list | tuple) and isinstance(found, list | tuple):
        same = len(found) == len(expected)
        return max(map(difference, found, expected), default=0.0) if same else math.inf
    return 0.0 if found == expected else math.inf


def _words(error: Exception) -> str:
    """What its user reads: the server's sentence where a client keeps its answer, else the client's own."""
    if callable(details := getattr(error, "details", None)):  # gRPC's
        return f"{error.code().name}: {details()}"  # type: ignore[attr-defined]
    body = getattr(error, "body", None) or getattr(getattr(error, "response", None), "text", None)
    return " ".join((_sentence(body) or str(error)).split())


def _sentence(body: object) -> str:
    """The sentence in an answer, in whatever form its door has."""
    if isinstance(body, str):
        try:
            return _sentence(json.loads(body))
        except ValueError:
            return ""
    if not isinstance(body, Mapping):
        return ""
    said = body.get("message") or body.get("error") or ""
    return said if isinstance(said, str) else _sentence(said)


def _shown(said: str) -> str:
    """The beginning, without the ports of this run."""
    words = re.sub(r"(?<=127\.0\.0\.1:)\d+", "PORT", said).strip()
    return words if len(words) <= MAX_CELL else f"{words[:MAX_CELL].rstrip()} ..."
