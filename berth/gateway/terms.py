"""What a client says about any request beside its body: by when, how urgent, and under which ids. Pure but for a clock.

Nothing else of a client's headers goes on: no key, no cookie, nothing that is meant for one connection.
"""

import re
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from .error_answer import ErrorAnswer, too_late

DEADLINE, TIMEOUT = "x-deadline-ms", "x-timeout-ms"
PASSED_ON = ("x-request-id", "traceparent", "tracestate", "x-priority")
NUMBER = re.compile(r"[0-9]{1,20}")  # Python reads no number of 4,300 digits
LONGEST_S = 86_400.0  # what a client says beyond a day is no deadline


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """A client's terms, which all requests made on its behalf have."""

    passed_on: Mapping[str, str]
    deadline_s: float | None = None
    """On the monotonic clock; None where the client waits as long as it takes."""

    @property
    def headers(self) -> dict[str, str]:
        """As headers of a request that is sent now; ErrorAnswer when its time is over."""
        if self.deadline_s is None:
            return dict(self.passed_on)
        left_ms = int((self.deadline_s - time.monotonic()) * 1000)
        if left_ms <= 0:
            raise too_late()
        return {**self.passed_on, TIMEOUT: str(left_ms)}


def read_terms(headers: Mapping[str, str]) -> Terms:
    """The terms in an HTTP request's headers, whose names are lower-case or looked up in any case."""
    left_s = _left_s(headers)
    return Terms(passed_on=_pick(headers), deadline_s=None if left_s is None else time.monotonic() + left_s)


def terms_of_call(metadata: Mapping[str, str], left_s: float | None) -> Terms:
    """The terms of a gRPC call, of which gRPC itself knows how many seconds are left."""
    if left_s is None or left_s > LONGEST_S:
        return read_terms(metadata)
    return Terms(passed_on=_pick(metadata), deadline_s=time.monotonic() + left_s)


def _pick(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name in PASSED_ON if (value := headers.get(name)) is not None}


def _left_s(headers: Mapping[str, str]) -> float | None:
    """Seconds that are left: the front has written the time when they are over, else the client says how many ms."""
    with suppress(KeyError, ValueError):
        return int(headers[DEADLINE]) / 1000 - time.time()
    said = headers.get(TIMEOUT)
    if said is None:
        return None
    if not (NUMBER.fullmatch(said) and 0 < int(said) <= LONGEST_S * 1000):
        raise ErrorAnswer(
            400, "InvalidInput", f"{TIMEOUT} is {said[:40]!r}: send a whole number of milliseconds above 0"
        )
    return int(said) / 1000
