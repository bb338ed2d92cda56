"""What HAProxy has counted of a model's requests since its start."""

from collections.abc import Callable, Set
from dataclasses import dataclass

from ..admission import COUNTS, OVERLOADED
from ..plan import SERVER
from .runtime_tables import read_backends, read_servers, read_table

CLASSES = ("hrsp_1xx", "hrsp_2xx", "hrsp_3xx", "hrsp_4xx", "hrsp_5xx", "hrsp_other")


@dataclass(frozen=True, slots=True, kw_only=True)
class Counters:
    """Of one backend."""

    requests: int = 0
    """Those that were answered."""
    errors: int = 0
    """Answers of 500 and more."""
    refused: int = 0
    """Requests that the front refused for want of time, beside those."""
    mean_ms: float = 0.0
    """How long the last 1024 requests took."""

    @property
    def error_rate(self) -> float:
        """Errors for each answered request, from 0 to 1."""
        return self.errors / self.requests if self.requests else 0.0

    @property
    def asked(self) -> int:
        """All requests."""
        return self.requests + self.refused

    @property
    def refused_share(self) -> float:
        """Of all requests, from 0 to 1."""
        return self.refused / self.asked if self.asked else 0.0

    def __str__(self) -> str:
        if not self.asked:
            return "no requests"
        refused = f", {self.refused} refused" if self.refused else ""
        return f"{self.requests} requests, {self.errors} errors, {self.mean_ms:.0f} ms on average{refused}"


def read_under_way(ask: Callable[[str], str], backends: Set[str]) -> int:
    """Ask how many requests TorchServe has of the backend that has most there. BerthError as `read_counters`."""
    servers = read_servers(ask("show stat"), SERVER)
    return max((int(row["scur"]) for name, row in servers.items() if name in backends), default=0)


def read_counters(ask: Callable[[str], str], backend: str) -> Counters:
    """Ask for a backend's counters; none where it is not there. BerthError where HAProxy does not answer.

    What is refused for want of time goes to another backend, and is counted in a table by the one that it was for.
    """
    row = read_backends(ask("show stat")).get(backend)
    if row is None:
        return Counters()
    answers = {name: int(row[name] or 0) for name in CLASSES}
    refused = read_table(ask(f"show table {COUNTS}")).get(f"{backend}:{OVERLOADED}", {}).get("gpc0", 0)
    return Counters(
        requests=sum(answers.values()),
        errors=answers["hrsp_5xx"],
        refused=refused,
        mean_ms=float(row["ttime"] or 0),
    )
