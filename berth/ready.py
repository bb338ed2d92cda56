"""Whether the server can answer: the management API says so, then one real prediction per model proves it."""

from typing import Any

import requests

from .errors import Refused
from .preflight import ServedModel
from .settings import Endpoint

DESCRIBE_TIMEOUT_S = 5.0
DEEP_CHECK_TIMEOUT_S = 30.0


def has_loaded(management: Endpoint, model: ServedModel) -> bool:
    """Every worker of the model is READY. /ping cannot tell: it says Healthy before anything is loaded."""
    try:
        answer = _get(f"{management.url}/models/{model.name}", DESCRIBE_TIMEOUT_S)
        workers: list[dict[str, Any]] = answer.json()[0]["workers"] if answer.ok else []
    except requests.RequestException:
        return False
    return bool(workers) and all(worker["status"] == "READY" for worker in workers)


def prove_prediction(inference: Endpoint, model: ServedModel) -> None:
    """Have the model predict a known text; Refused unless the answer is the one recorded in its archive."""
    url = f"{inference.url}/predictions/{model.name}"
    try:
        answer = _get(url, DEEP_CHECK_TIMEOUT_S)
    except requests.RequestException as error:
        raise Refused(f"{model.name} was loaded but does not answer at {url}: {error}") from error
    if not answer.ok:
        raise Refused(
            f"{model.name} was loaded but cannot predict: {url} answered "
            f"{answer.status_code} {' '.join(answer.text.split())}"
        )


def curl_line(inference: Endpoint, model: ServedModel) -> str:
    """A command to try."""
    return (
        f"curl {inference.url}/predictions/{model.name} "
        """-H 'content-type: application/json' -d '{"inputs": "hello world"}'"""
    )


def _get(url: str, timeout_s: float) -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False  # a proxy of the environment cannot reach this machine's loopback
        return session.get(url, timeout=timeout_s)
