"""A connection to one server over HTTP: its address, its time-outs, and every failure as a BerthError.

It knows neither predictions nor models: the caller's `decode` says what an answer's bytes mean.
"""

from collections.abc import Callable, Mapping
from typing import Self, TypeVar

import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase, HTTPBasicAuth
from requests.exceptions import InvalidURL
from requests.utils import get_auth_from_url, urldefragauth
from urllib3.exceptions import LocationValueError, ProtocolError
from urllib3.util import Retry

from ..errors import BerthError, RequestFailed, ServerUnreachable, UsageError
from .access import CA_VARIABLES, NO_KEY_HINT, OPEN, Access
from .addresses import parse_url
from .messages import MAX_QUOTED, broken_connection, decode_error, no_answer_in_time, not_a_berth_server

WRONG_ADDRESS = ("ResourceNotFoundException", "NotFound")  # types of TorchServe's refusal, and of the front's

Decoded = TypeVar("Decoded")

CONNECT_TIMEOUT_S = 5.0
MAX_KEPT = 10  # connections that are kept open, as requests has it
# A refusal that says when to try again (Retry-After; 429 and 503) is tried again then, but no later than this.
MAX_RETRIES, MAX_WAIT_S = 2, 30
PATIENT = Retry(
    MAX_RETRIES, connect=0, read=False, other=0, allowed_methods=None, raise_on_status=False, retry_after_max=MAX_WAIT_S
)
UNAUTHORIZED = 401
JSON = {"content-type": "application/json"}
# What TorchServe's own messages leave out, by the type of the error.
TORCHSERVE_HINTS = {
    "ModelNotFoundException": "; `berth models` lists what is served",
    "ServiceUnavailableException": "; TorchServe says this of a full queue too: `berth describe` tells which",
}


class _Bearer(AuthBase):
    """Sends a key; of what a redirect to another host leads to, requests leaves it out."""

    def __init__(self, authorization: str) -> None:
        self._authorization = authorization

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = self._authorization
        return request


def _credentials(url: str, access: Access) -> AuthBase | None:
    """The key, else the user and password of the address, else nothing."""
    if access.authorization:
        return _Bearer(access.authorization)
    user, password = get_auth_from_url(url)
    return HTTPBasicAuth(user, password) if user or password else None


class Connection:
    """A server that is asked for JSON, through one session; from several threads too."""

    def __init__(self, url: str, *, max_kept: int = MAX_KEPT, access: Access = OPEN, is_patient: bool = False) -> None:
        """`url` is http://HOST:PORT or https://HOST:PORT; nothing is connected before the first request.

        `max_kept`: connections that are kept open, one for each thread that asks. `is_patient`: a refusal that says
        when to try again is tried again then.
        """
        server = parse_url(url)
        self.url: str = urldefragauth(url).rstrip("/")  # it stands in errors
        self._verify = access.ca_file or True
        self._session = requests.Session()
        self._session.auth = _credentials(url, access)
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, HTTPAdapter(pool_maxsize=max_kept, max_retries=PATIENT if is_patient else 0))
        if server.is_loopback:
            self._session.trust_env = False  # a proxy that the environment names cannot reach it

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    def ask(self, method: str, path: str, decode: Callable[[bytes], Decoded], *, timeout_s: float) -> Decoded:
        """Send a request and decode its answer; RequestFailed when the server refuses.

        `decode` raises ValueError for an answer that no berth server gives.
        """
        return self.read(self.send(method, path, timeout_s=timeout_s), decode)

    def send(
        self,
        method: str,
        path: str,
        *,
        timeout_s: float,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Send a request, its body JSON, and return its answer, which is no refusal."""
        try:
            timeouts_s = min(CONNECT_TIMEOUT_S, timeout_s), timeout_s
            sent = {**(headers or {}), **({} if body is None else JSON)}
            answer = self._session.request(
                method, self.url + path, data=body, headers=sent, timeout=timeouts_s, verify=self._verify
            )
        except (requests.RequestException, LocationValueError) as error:  # requests does not wrap urllib3's
            raise self._no_answer(error, timeout_s) from error
        if not answer.ok:
            raise self._refusal(answer.status_code, answer.content)
        return answer

    def read(self, answer: requests.Response, decode: Callable[[bytes], Decoded]) -> Decoded:
        """Decode an answer."""
        try:
            return decode(answer.content)
        except ValueError as error:
            raise not_a_berth_server(self.url, repr(answer.text[:MAX_QUOTED])) from error

    def _no_answer(self, error: Exception, timeout_s: float) -> BerthError:
        """The error for a request that got no complete answer."""
        if isinstance(error, InvalidURL | LocationValueError):
            return UsageError(f"{self.url!r} is not a server address: {error}")
        if isinstance(error, requests.exceptions.SSLError):
            return BerthError(
                f"TLS with {self.url} failed: {_reason(error)}; if its certificate is of a CA of your own, name that "
                f"CA's file with ca_file= or {CA_VARIABLES[0]}"
            )
        if isinstance(error, requests.ReadTimeout):
            return no_answer_in_time(self.url, timeout_s)
        if error.args and isinstance(error.args[0], ProtocolError):  # it was connected, so somebody is there
            return broken_connection(self.url)
        if isinstance(error, requests.ConnectionError):
            return ServerUnreachable(
                f"no server answers at {self.url}: start one with `berth serve`, or name another with --url "
                "or BERTH_URL"
            )
        return not_a_berth_server(self.url, str(error))

    def _refusal(self, status: int, body: bytes) -> BerthError:
        error = refusal(status, body)
        if error.type in WRONG_ADDRESS:
            return UsageError(
                f"{self.url} is a TorchServe, but not its address for this: predictions go to the inference address "
                "(http://127.0.0.1:8080 by default), everything else to the management address "
                "(http://127.0.0.1:8081); choose one with --url"
            )
        return error


def _reason(error: Exception) -> str:
    """What lies under the wrappings of requests and urllib3, in OpenSSL's words."""
    inner = error.args[0] if error.args else None
    inner = getattr(inner, "reason", inner)
    return _reason(inner) if isinstance(inner, Exception) else str(error)


def refusal(status: int, body: bytes) -> RequestFailed:
    """The error that a server answered with; a proxy's has its own words and no type."""
    try:
        error = decode_error(body)
    except ValueError:
        too_large = "one text is larger than the server's max_request_size"  # a bare 413 of TorchServe's frontend
        words = too_large if status == 413 else body[:MAX_QUOTED].decode(errors="replace")
        return RequestFailed(words, code=status, type="")
    hint = NO_KEY_HINT if status == UNAUTHORIZED else TORCHSERVE_HINTS.get(error.type, "")
    return RequestFailed(error.message + hint, code=status, type=error.type, param=error.param)
