"""Whether a server answers as the bare model does; a peer that does not is void, however fast."""

import math
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import requests

from berth.errors import BerthError

from ..peer import Peer

AT_ONCE = 32  # so that texts meet in batches, as under load
TIMEOUT_S = 60.0
Vectors = Mapping[str, Sequence[float]]


class Void(BerthError):
    """A server whose answers are missing or wrong."""


def check_answers(peer: Peer, url: str, references: Vectors) -> float:
    """The least cosine between an answer and its text's reference; Void where it is too little, or none came."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = list(pool.map(lambda text: _ask(peer, url, text), references))
    least = min(cosine(vector, reference) for vector, reference in zip(found, references.values(), strict=True))
    if least < peer.least_cosine:
        raise Void(f"an answer's cosine to the bare model's is {least:.4f}; {peer.least_cosine:g} is needed")
    return least


def _ask(peer: Peer, url: str, text: str) -> list[float]:
    headers = {"Content-Type": "application/json"}
    try:
        answer = requests.post(url, peer.to_body(text), headers=headers, timeout=TIMEOUT_S)
    except requests.RequestException as error:
        raise Void(f"a request was not answered: {type(error).__name__}") from error
    if answer.status_code != 200:
        raise Void(f"a request was answered with {answer.status_code}: {answer.text[:200]}")
    return peer.to_vector(answer.content)


def cosine(one: Sequence[float], other: Sequence[float]) -> float:
    """The cosine between two vectors [H]; -1 where their lengths differ."""
    if len(one) != len(other):
        return -1.0
    product = math.fsum(a * b for a, b in zip(one, other, strict=True))
    return product / (math.hypot(*one) * math.hypot(*other))
