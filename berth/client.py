"""A client of the REST API: texts in, one result each, in as many requests as the server's limits need."""

import json
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TextIO
from urllib.parse import quote, urlsplit

import requests
from requests.exceptions import InvalidURL
from urllib3.exceptions import LocationValueError, ProtocolError

from .errors import BerthError, ServerUnreachable, UsageError

# Of one request. A BERT-base on 2 cores computes about 450 tokens/s: 32 texts of 512 tokens take it 36 s, well within
# model-config.yaml's responseTimeout.
CHUNK_TEXTS = 32
# Of a request's JSON. Small beside any sensible max_request_size, and large beside what a request costs.
CHUNK_BYTES = 1_000_000
CONNECT_TIMEOUT_S = 5.0
ANSWER_TIMEOUT_S = 300.0  # longer than model-config.yaml's responseTimeout, after which the server gives up
_INPUT_INDEX = re.compile(r"(?<=^/inputs/)\d+")
LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Client:
    """One server, one connection that is kept open."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        self._session = requests.Session()
        if _hostname(url) in LOOPBACK:
            self._session.trust_env = False  # a proxy of the environment cannot reach it

    def predict(self, model: str, inputs: Sequence[str]) -> list[object]:
        """One result per input, in order; BerthError with the server's own message for the first that it refuses."""
        results: list[object] = []
        for chunk in chunks(inputs):
            results += self._predict_chunk(model, chunk, offset=len(results))
        return results

    def _predict_chunk(self, model: str, chunk: list[str], *, offset: int) -> list[object]:
        answer = self._post(f"/predictions/{quote(model, safe='')}", {"inputs": chunk})
        if not answer.ok:
            raise BerthError(error_message(answer.status_code, answer.text, offset=offset))
        try:
            results: object = answer.json()
        except requests.JSONDecodeError:
            results = None
        if not isinstance(results, list) or len(results) != len(chunk):
            raise BerthError(f"{self._url} did not answer as a berth server does: {answer.text[:200]!r}")
        return results

    def _post(self, path: str, body: object) -> requests.Response:
        try:
            return self._session.post(self._url + path, json=body, timeout=(CONNECT_TIMEOUT_S, ANSWER_TIMEOUT_S))
        except (requests.RequestException, LocationValueError) as error:  # requests lets the latter through
            raise _failure(self._url, error) from error


def _failure(url: str, error: Exception) -> BerthError:
    """What to say of a request that got no whole answer."""
    if isinstance(error, InvalidURL | LocationValueError):
        return UsageError(f"{url!r} is no address of a server: {error}")
    if isinstance(error, requests.ReadTimeout):
        return BerthError(f"{url} has not answered for {ANSWER_TIMEOUT_S:.0f} s")
    if error.args and isinstance(error.args[0], ProtocolError):  # it was connected, so somebody is there
        return BerthError(f"the connection to {url} broke while the server worked; try again, its log may say why")
    if isinstance(error, requests.ConnectionError):
        return ServerUnreachable(
            f"no server answers at {url}: start one with `berth serve`, or name another with --url"
        )
    return BerthError(f"{url} did not answer as a berth server does: {error}")


def chunks(inputs: Sequence[str]) -> Iterator[list[str]]:
    """The inputs in order, cut so that no request has too many or too many bytes; a long text goes alone."""
    chunk: list[str] = []
    size_bytes = 0
    for text in inputs:
        text_bytes = len(json.dumps(text)) + 2  # requests sends ASCII, and ", " between two
        if chunk and (len(chunk) == CHUNK_TEXTS or size_bytes + text_bytes > CHUNK_BYTES):
            yield chunk
            chunk, size_bytes = [], 0
        chunk.append(text)
        size_bytes += text_bytes
    if chunk:
        yield chunk


def error_message(status: int, body: str, *, offset: int = 0) -> str:
    """The server's error in one line; `offset` is the number of inputs that went with earlier requests."""
    try:
        error = json.loads(body)
        message, param = error["message"], error.get("param")
    except (ValueError, TypeError, KeyError):  # a bare 413 of TorchServe's frontend, or the words of a proxy
        too_large = "one text is larger than the server's max_request_size"
        message, param = (too_large if status == 413 else body[:200]), None
    where = f" at {_INPUT_INDEX.sub(lambda index: str(int(index[0]) + offset), param)}" if param else ""
    return f"the server answered {status}{where}: {message}"


def read_texts(texts: Sequence[str], file: Path | None, stdin: TextIO | None = None) -> list[str]:
    """The texts to predict: arguments, else the lines of `file` (- for standard input), else standard input's."""
    stdin = stdin or sys.stdin
    if texts and file:
        raise UsageError("give texts or --file, not both")
    if not texts and file is None and stdin.isatty():
        raise UsageError("no text: give one as an argument, or a file with --file (- is standard input)")
    found = list(texts) or _read_lines(file, stdin)
    if not found:
        raise UsageError(f"{file or 'standard input'} is empty: one text a line is expected")
    return found


def _read_lines(file: Path | None, stdin: TextIO) -> list[str]:
    try:
        content = stdin.read() if file is None or str(file) == "-" else file.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{file or 'standard input'} is not UTF-8: {error}") from error
    return content.removesuffix("\n").split("\n") if content else []


def _hostname(url: str) -> str:
    try:
        parts = urlsplit(url)
        is_valid = parts.scheme in ("http", "https") and parts.port != 0  # a port above 65535 is a ValueError
    except ValueError:
        is_valid = False
    if not is_valid or not parts.hostname:
        raise UsageError(f"{url!r} is no address of a server: give http://HOST:PORT")
    return parts.hostname
