"""The deep check: a known text through a model, its answer compared by the worker with the one in the archive."""

import json
import threading
import time
from dataclasses import dataclass

import requests

from .preflight import ServedModel
from .settings import Endpoint

# Longer than a busy worker needs for most batches; the check that was given up is answered all the same.
TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What became of one check. Neither field set: the answer was right."""

    is_busy: bool = False
    """No verdict: a full queue, or no answer within TIMEOUT_S."""
    failure: str | None = None
    """The answer was wrong, or an error."""


class DeepCheck:
    """One check on its way, in a thread of its own: it waits in the queue like any request."""

    def __init__(self, inference: Endpoint, model: ServedModel) -> None:
        self.started_s = time.monotonic()
        self.outcome: Checked | None = None
        """None while it waits."""
        self._url = f"{inference.url}/predictions/{model.name}"
        threading.Thread(target=self._run, name="deep-check", daemon=True).start()

    def _run(self) -> None:
        self.outcome = deep_check(self._url)


def deep_check(url: str) -> Checked:
    """Ask the model at this address for its known text; waits for up to TIMEOUT_S."""
    try:
        with requests.Session() as session:
            session.trust_env = False  # a proxy of the environment cannot reach this machine's loopback
            answer = session.get(url, timeout=TIMEOUT_S)
    except requests.ReadTimeout:
        return Checked(is_busy=True)
    except requests.RequestException as error:
        return Checked(failure=f"{url} does not answer: {error}")
    if answer.ok:
        return Checked()
    if answer.status_code == 503 and _error_type(answer.text) != "NotHealthy":
        return Checked(is_busy=True)
    return Checked(failure=f"{url} answered {answer.status_code} {' '.join(answer.text.split())}")


def curl_line(inference: Endpoint, model: ServedModel) -> str:
    """A command to try."""
    return (
        f"curl {inference.url}/predictions/{model.name} "
        """-H 'content-type: application/json' -d '{"inputs": "hello world"}'"""
    )


def _error_type(body: str) -> str:
    try:
        return str(json.loads(body)["type"])
    except (ValueError, TypeError, KeyError):
        return ""
