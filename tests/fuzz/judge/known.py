"""Good requests whose answers must stay what they were while others send anything."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import requests

from handler.config import Task
from tests.fuzz.models import Target
from tests.fuzz.sending import ANSWER_TIMEOUT_S
from tests.support.servers import Server

# Not to the byte: which texts share a batch, and so the order of sums in it, is chance. 2,000 answers of five models
# were within it (2 cores, fp32, 2026-11-25, --seed 9); somebody else's answer is off by thousands of times as much.
TOLERANCE = 1e-6
NUM_TRIES = 5
TEXT = "A known text, of which the answer is known."
BODIES: dict[Task, Any] = {
    Task.EMBEDDINGS: {"inputs": [TEXT, "another"]},
    Task.TEXT_CLASSIFICATION: {"inputs": [TEXT, {"text": "one", "text_pair": "two"}], "parameters": {"top_k": None}},
    Task.QUESTION_ANSWERING: {"inputs": {"question": "Which text?", "context": TEXT}},
    Task.TEXT_RANKING: {"inputs": {"query": "text", "texts": [TEXT, "another"]}},
    Task.ZERO_SHOT_CLASSIFICATION: {"inputs": TEXT, "parameters": {"candidate_labels": ["one", "two"]}},
    Task.ZERO_SHOT_TOKEN_CLASSIFICATION: {"inputs": TEXT, "parameters": {"candidate_labels": ["one", "two"]}},
}


class KnownAnswers:
    """One client, which keeps its connection: a second answer to somebody's request would stand in its way."""

    def __init__(self, server: Server, targets: Iterable[Target], known: Mapping[str, Any] | None = None) -> None:
        self._session = requests.Session()
        self._session.trust_env = False
        self._server = server
        self._targets = tuple(targets)
        self.known = known or {target.name: self._ask(target) for target in self._targets}

    def check(self) -> None:
        """AssertionError names the model that answers something else."""
        for target in self._targets:
            answer = self._ask(target)
            assert is_close(answer, self.known[target.name]), f"{target.name} now answers {answer!r:.300}"

    def close(self) -> None:
        """End the connection."""
        self._session.close()

    def _ask(self, target: Target) -> Any:
        """The answer; once more where a batch took too long, which is nobody's mistake."""
        url = f"{self._server.inference_url}/predictions/{target.name}"
        for _ in range(NUM_TRIES):
            response = self._session.post(url, json=_body(target), timeout=ANSWER_TIMEOUT_S)
            if response.status_code != 503:
                break
        assert response.status_code == 200, f"{target.name} now answers {response.status_code}: {response.text:.300}"
        return response.json()


def _body(target: Target) -> Any:
    body = BODIES[target.task]
    return {**body, "parameters": {"vectors": target.vectors}} if target.has_other_vectors else body


def is_close(value: Any, other: Any) -> bool:
    """Equal but for the last digits of numbers."""
    if isinstance(value, float) and isinstance(other, float):
        return math.isclose(value, other, rel_tol=0, abs_tol=TOLERANCE)
    if isinstance(value, list) and isinstance(other, list):
        return len(value) == len(other) and all(map(is_close, value, other))
    if isinstance(value, dict) and isinstance(other, dict):
        return value.keys() == other.keys() and all(is_close(value[key], other[key]) for key in value)
    return bool(value == other)
