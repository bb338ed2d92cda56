"""Asks a running launcher for its health and its capacity. Standard library only."""

import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

from ..endpoint import Endpoint
from ..errors import UsageError

HEALTH_VARIABLE = "BERTH_HEALTH_ADDRESS"
DEFAULT_ADDRESS = "127.0.0.1:8090"
CAPACITY_PATH = "/capacity"
PROBE_TIMEOUT_S = 4.0  # below HEALTHCHECK's and the exec probes' 5 s, so that the reason is told


def health_endpoint(environ: Mapping[str, str]) -> Endpoint:
    """BERTH_HEALTH_ADDRESS; UsageError when that is no HOST:PORT."""
    value = environ.get(HEALTH_VARIABLE, DEFAULT_ADDRESS)
    try:
        return Endpoint.parse(HEALTH_VARIABLE, value)
    except ValueError as error:
        raise UsageError(f"{HEALTH_VARIABLE} is {value!r}; it is HOST:PORT, such as {DEFAULT_ADDRESS}") from error


def fetch_capacity(environ: Mapping[str, str]) -> Mapping[str, object]:
    """What the launcher says of its server's capacity; nothing where none answers."""
    try:
        with _open(health_endpoint(environ).url + CAPACITY_PATH) as answer:
            capacity = json.load(answer)
    except (OSError, http.client.HTTPException, ValueError):
        return {}
    return capacity if isinstance(capacity, dict) else {}


def probe(path: str, environ: Mapping[str, str]) -> str | None:
    """Why the answer is no; None when it is yes."""
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
