"""Asks a running launcher about its server's health and capacity. Standard library only."""

import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

from ..endpoint import Endpoint
from ..errors import UsageError
from .report import Capacity

HEALTH_VARIABLE = "BERTH_HEALTH_ADDRESS"
DEFAULT_ADDRESS = "127.0.0.1:8090"
CAPACITY_PATH = "/capacity"
PROBE_TIMEOUT_S = 4.0  # below HEALTHCHECK's and the exec probes' 5 s, so that the reason is told


def health_endpoint(environ: Mapping[str, str]) -> Endpoint:
    """Read BERTH_HEALTH_ADDRESS; UsageError when it is not HOST:PORT."""
    value = environ.get(HEALTH_VARIABLE, DEFAULT_ADDRESS)
    try:
        return Endpoint.parse(HEALTH_VARIABLE, value)
    except ValueError as error:
        raise UsageError(f"{HEALTH_VARIABLE} is {value!r}; it is HOST:PORT, such as {DEFAULT_ADDRESS}") from error


def fetch_capacity(environ: Mapping[str, str]) -> Capacity | None:
    """Ask the launcher how many workers its server has room for; None where none answers, or not yet."""
    try:
        with _open(health_endpoint(environ).url + CAPACITY_PATH) as answer:
            return Capacity.from_json(json.load(answer))
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError):
        return None


def probe(path: str, environ: Mapping[str, str]) -> str | None:
    """Ask one question: why the answer is no, or None when it is yes."""
    url = health_endpoint(environ).url + path
    try:
        with _open(url):
            return None
    except urllib.error.HTTPError as error:
        with error:
            return _reason(error.read()) or f"{url} is not berth's: it answered {error.code}"
    except (OSError, http.client.HTTPException) as error:
        return f"no berth answers at {url}: {error}"


def _open(url: str) -> Any:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # a proxy cannot reach our loopback
    return opener.open(url, timeout=PROBE_TIMEOUT_S)


def _reason(body: bytes) -> str | None:
    try:
        return str(json.loads(body)["reason"])
    except (ValueError, TypeError, KeyError):
        return None
