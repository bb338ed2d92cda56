"""What a launcher publishes at its health address: the server's addresses, and how many workers it has room for.

Standard library only.
"""

import http.client
import json
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from ..endpoint import Endpoint
from ..errors import UsageError

HEALTH_VARIABLE = "BERTH_HEALTH_ADDRESS"
DEFAULT_ADDRESS = "127.0.0.1:8090"
CAPACITY_PATH = "/capacity"
PROBE_TIMEOUT_S = 4.0  # below HEALTHCHECK's and the exec probes' 5 s, so that the reason is told


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """Which server a launcher has, and how many workers that has room for."""

    inference: str
    """The server's inference address, as a URL."""
    management: str
    """The server's management address, as a URL: whoever asks may mean another server."""
    models: tuple[str, ...]
    max_workers: int
    """Workers that each model may have."""
    reason: str
    """Why not more, for a sentence."""
    orders: str = ""
    """The path of the socket that takes orders (`berth rollout`); "" where none are taken."""
    no_orders: str = ""
    """Why not, for a sentence."""
    budget_bytes: int = 0
    """The most memory that was counted for the server as it started."""
    granted_bytes: int = 0
    """How much it may have."""

    @classmethod
    def from_json(cls, answer: Any) -> Self:
        """Read what a launcher answers; KeyError, TypeError or ValueError when it is something else."""
        return cls(
            inference=str(answer["inference"]),
            management=str(answer["management"]),
            models=tuple(answer["models"]),
            max_workers=int(answer["max_workers"]),
            reason=str(answer["reason"]),
            orders=str(answer.get("orders", "")),
            no_orders=str(answer.get("no_orders", "")),
            budget_bytes=int(answer.get("budget_bytes", 0)),
            granted_bytes=int(answer.get("granted_bytes", 0)),
        )


def health_endpoint(environ: Mapping[str, str]) -> Endpoint:
    """Read BERTH_HEALTH_ADDRESS; UsageError when it is not HOST:PORT."""
    value = environ.get(HEALTH_VARIABLE, DEFAULT_ADDRESS)
    try:
        return Endpoint.parse(HEALTH_VARIABLE, value)
    except ValueError as error:
        raise UsageError(f"{HEALTH_VARIABLE} is {value!r}; it is HOST:PORT, such as {DEFAULT_ADDRESS}") from error


def fetch_capacity(environ: Mapping[str, str]) -> Capacity | None:
    """Ask the launcher about its server; None where none answers, or not yet."""
    try:
        with open_launcher(health_endpoint(environ).url + CAPACITY_PATH) as answer:
            return Capacity.from_json(json.load(answer))
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError):
        return None


def open_launcher(url: str) -> Any:
    """Open one of the launcher's pages, in time."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # a proxy cannot reach our loopback
    return opener.open(url, timeout=PROBE_TIMEOUT_S)
