"""A batch whose answers are several messages to the frontend: every client gets all of its own, and nobody a 503."""

import json
import socket
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import requests

from handler.config import Task
from handler.sizes import MESSAGE_BYTES
from tests.support.clients import Answer, Model
from tests.support.clients.answers import ANSWER_TIMEOUT_S, Asking
from tests.support.clients.curl import ask_by_curl
from tests.support.clients.grpc_calls import ask_predictions, ask_stream
from tests.support.clients.infer_grpc import ask_infer_grpc
from tests.support.clients.infer_triton import ask_infer_triton
from tests.support.clients.openai_package import ask_for_base64, ask_for_floats
from tests.support.clients.rest import JSON, NATIVE, ask_native, ask_v1

pytestmark = [pytest.mark.server, pytest.mark.usefixtures("same_worker")]

MODEL = Task.EMBEDDINGS
TEXTS = [f"text {number}" for number in range(256)]
BODY = json.dumps({"inputs": TEXTS}).encode()
EVERY_CLIENT = (
    *(ask_native, ask_predictions, ask_by_curl, ask_stream, ask_v1),
    *(ask_infer_grpc, ask_infer_triton, ask_for_floats, ask_for_base64),
)


@pytest.fixture
def alone(model: Model) -> Any:
    """What a request gets that has a batch for itself: over 100 kB."""
    response = requests.post(NATIVE.url(model), BODY, headers=JSON, timeout=ANSWER_TIMEOUT_S)
    assert len(response.content) > MESSAGE_BYTES / 10
    return np.asarray(response.json())


def ask_at_once(model: Model, clients: Sequence[Asking]) -> list[Answer]:
    """One list of texts from each client, all at the same time."""
    with ThreadPoolExecutor(len(clients)) as pool:
        return list(pool.map(lambda ask: ask(model, TEXTS, {}), clients))


def assert_same(answers: Sequence[Answer], alone: Any) -> None:
    for answer in answers:
        assert answer.status == 200, answer.error
        assert np.abs(np.asarray(answer.results) - alone).max() < 1e-6


def test_every_client_gets_its_whole_answer(model: Model, alone: Any) -> None:
    assert_same(ask_at_once(model, EVERY_CLIENT * 4), alone)


@pytest.mark.parametrize("ask", [ask_predictions, ask_infer_grpc])
def test_calls_of_grpc_alone_are_answered(model: Model, alone: Any, ask: Asking) -> None:
    assert_same(ask_at_once(model, [ask] * 24), alone)


def ask_thrice(model: Model) -> list[requests.Response]:
    """Three requests after each other on one connection."""
    with requests.Session() as session:
        session.trust_env = False
        return [session.post(NATIVE.url(model), BODY, headers=JSON, timeout=ANSWER_TIMEOUT_S) for _ in range(3)]


def test_a_connection_is_used_again_after_an_answer_in_chunks(model: Model, alone: Any) -> None:
    with ThreadPoolExecutor(24) as pool:
        responses = [response for found in pool.map(ask_thrice, [model] * 24) for response in found]
    assert_same([NATIVE.read(response) for response in responses], alone)
    assert any("chunked" in response.headers.get("transfer-encoding", "") for response in responses)


def ask_and_leave(model: Model) -> None:
    """Send a request and close the connection before its answer."""
    host, port = model.url.removeprefix("http://").split(":")
    head = f"POST /predictions/{model.name} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\n"
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(f"{head}content-length: {len(BODY)}\r\n\r\n".encode() + BODY)


def test_clients_that_went_away_harm_nobody(model: Model, alone: Any) -> None:
    for _ in range(16):
        ask_and_leave(model)
    assert_same(ask_at_once(model, [ask_native, ask_stream] * 8), alone)
