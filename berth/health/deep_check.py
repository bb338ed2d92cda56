"""The deep check: a known text goes through a model, and the worker compares the answer with the archive's."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import requests

from ..process.threads import start_thread

# Longer than a busy worker needs for most batches; a check that was given up is still answered.
TIMEOUT_S = 30.0
# Types of a 503. Busy: TorchServe's queue is full, or the handler's batch has no time left. Wrong: a known text has
# another answer. A handler that raises is a 503 of yet another type.
BUSY_TYPES = ("ServiceUnavailableException", "NotNow")
WRONG_TYPE = "NotHealthy"


class Verdict(StrEnum):
    """What a check has found out."""

    RIGHT = "right"
    WRONG = "wrong"
    ERROR = "error"
    """No answer to compare; a check that shares its batch with a request that fails may get one."""
    NONE = "none"
    """Nothing found out: the queue was full, or no answer came within TIMEOUT_S."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """The outcome of one check."""

    verdict: Verdict
    reason: str = ""
    told: Mapping[str, object] = field(default_factory=dict)
    """What a right answer says of its worker: engine, precision, token budget; nothing of an archive of before."""


class DeepCheck:
    """One check on its way, in its own thread: it waits in the queue like any request. OSError where none is left."""

    def __init__(self, url: str) -> None:
        self.outcome: Checked | None = None
        """None while the check waits."""
        self._url = url
        start_thread("deep-check", self._run)

    def _run(self) -> None:
        try:
            self.outcome = deep_check(self._url)
        except Exception as error:  # noqa: BLE001 - without an outcome it would look like a worker that hangs
            self.outcome = Checked(verdict=Verdict.ERROR, reason=f"{self._url} could not be asked: {error!r}")


def deep_check(url: str) -> Checked:
    """Ask the model at this address for its known text, and wait for up to TIMEOUT_S."""
    try:
        with requests.Session() as session:
            session.trust_env = False  # a proxy of the environment cannot reach this machine's loopback
            answer = session.get(url, timeout=TIMEOUT_S)
    except requests.ReadTimeout:
        return Checked(verdict=Verdict.NONE)
    except requests.RequestException as error:
        return Checked(verdict=Verdict.ERROR, reason=f"{url} does not answer: {error}")
    return _read(url, answer)


def _read(url: str, answer: requests.Response) -> Checked:
    reason = f"{url} answered {answer.status_code} {' '.join(answer.text.split())}"
    kind = _error_type(answer.text)
    if answer.ok:
        return Checked(verdict=Verdict.RIGHT, told=_told(answer.text))
    if kind in BUSY_TYPES:
        return Checked(verdict=Verdict.NONE)
    return Checked(verdict=Verdict.WRONG if kind == WRONG_TYPE else Verdict.ERROR, reason=reason)


def _told(body: str) -> Mapping[str, object]:
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _error_type(body: str) -> str:
    try:
        return str(json.loads(body)["type"])
    except (ValueError, TypeError, KeyError):
        return ""
