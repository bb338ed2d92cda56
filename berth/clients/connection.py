"""One server over HTTP: its address, a connection that is kept, time-outs, and every failure as a BerthError.

It knows neither predictions nor models: what an answer's bytes mean is for the caller's `decode`.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Self, TypeVar
from urllib.parse import urlsplit

import requests
from requests.exceptions import InvalidURL
from urllib3.exceptions import LocationValueError, ProtocolError

from ..endpoint import Endpoint
from ..errors import BerthError, RequestFailed, ServerUnreachable, UsageError
from .messages import decode_error

Decoded = TypeVar("Decoded")

CONNECT_TIMEOUT_S = 5.0
PORTS = {"http": 80, "https": 443}  # of an address without one
MAX_QUOTED = 200  # characters
# What TorchServe's own errors leave out, by their type.
HINTS = {
    "ModelNotFoundException": "; `berth models` lists what is served",
    "ServiceUnavailableException": "; TorchServe says this of a full queue too: `berth describe` tells which",
}


class Connection:
    """A server that is asked for JSON through one session."""

    def __init__(self, url: str) -> None:
        """`url` is http://HOST:PORT; nothing is connected yet."""
        server = _parse_url(url)
        self._url = url.rstrip("/")
        self._session = requests.Session()
        if server.is_loopback:
            self._session.trust_env = False  # a proxy of the environment cannot reach it

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the connection."""
        self._session.close()

    def ask(
        self, method: str, path: str, decode: Callable[[bytes], Decoded], *, timeout_s: float, body: object = None
    ) -> Decoded:
        """What `decode` makes of the answer (ValueError: not berth's); RequestFailed when the server refuses."""
        try:
            timeouts_s = min(CONNECT_TIMEOUT_S, timeout_s), timeout_s
            answer = self._session.request(method, self._url + path, json=body, timeout=timeouts_s)
        except (requests.RequestException, LocationValueError) as error:  # requests lets the latter through
            raise self._no_answer(error, timeout_s) from error
        if not answer.ok:
            raise self._refusal(answer.status_code, answer.content)
        try:
            return decode(answer.content)
        except ValueError as error:
            raise self._stranger(repr(answer.text[:MAX_QUOTED])) from error

    def _no_answer(self, error: Exception, timeout_s: float) -> BerthError:
        """What to say of a request that got no whole answer."""
        if isinstance(error, InvalidURL | LocationValueError):
            return UsageError(f"{self._url!r} is no address of a server: {error}")
        if isinstance(error, requests.ReadTimeout):
            return BerthError(f"{self._url} has not answered for {timeout_s:g} s")
        if error.args and isinstance(error.args[0], ProtocolError):  # it was connected, so somebody is there
            return BerthError(
                f"the connection to {self._url} broke while the server worked; try again, its log may say why"
            )
        if isinstance(error, requests.ConnectionError):
            return ServerUnreachable(
                f"no server answers at {self._url}: start one with `berth serve`, or name another with --url"
            )
        return self._stranger(str(error))

    def _refusal(self, status: int, body: bytes) -> BerthError:
        error = refusal(status, body)
        if error.type == "ResourceNotFoundException":
            return UsageError(
                f"{self._url} is a TorchServe, but not at the address for this: predictions are asked of its "
                "inference address (http://127.0.0.1:8080 by default), all else of its management address "
                "(http://127.0.0.1:8081); name it with --url"
            )
        return error

    def _stranger(self, what: str) -> BerthError:
        return BerthError(f"{self._url} did not answer as a berth server does: {what}")


def refusal(status: int, body: bytes) -> RequestFailed:
    """The error that a server answered with: berth's handler's, TorchServe's, or the words of a proxy (no type)."""
    try:
        error = decode_error(body)
    except ValueError:
        too_large = "one text is larger than the server's max_request_size"  # a bare 413 of TorchServe's frontend
        words = too_large if status == 413 else body[:MAX_QUOTED].decode(errors="replace")
        return RequestFailed(words, code=status, type="")
    return RequestFailed(error.message + HINTS.get(error.type, ""), code=status, type=error.type, param=error.param)


def _parse_url(url: str) -> Endpoint:
    with suppress(ValueError):  # a port above 65535
        parts = urlsplit(url)
        if parts.scheme in PORTS and parts.hostname and parts.port != 0:
            return Endpoint(key="url", host=parts.hostname, port=parts.port or PORTS[parts.scheme])
    raise UsageError(f"{url!r} is no address of a server: give http://HOST:PORT")
