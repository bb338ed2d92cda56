"""Asks a running launcher about its server's health. Standard library only."""

import http.client
import json
import urllib.error
from collections.abc import Mapping

from ..clients.launcher import health_endpoint, open_launcher


def probe(path: str, environ: Mapping[str, str]) -> str | None:
    """Ask one question: why the answer is no, or None when it is yes."""
    url = health_endpoint(environ).url + path
    try:
        with open_launcher(url):
            return None
    except urllib.error.HTTPError as error:
        with error:
            return _reason(error.read()) or f"{url} is not berth's: it answered {error.code}"
    except (OSError, http.client.HTTPException) as error:
        return f"no berth answers at {url}: {error}"


def _reason(body: bytes) -> str | None:
    try:
        return str(json.loads(body)["reason"])
    except (ValueError, TypeError, KeyError):
        return None
