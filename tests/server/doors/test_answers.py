"""What a user gets back from a real TorchServe: right answers, each error alone, on every way in."""

import concurrent.futures
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import requests

from bench.front.measure import find_behind
from berth.clients.grpc_client import INFERENCE, GrpcClient
from berth.machine.limits import granted_cores
from berth.pack.options import PackOptions
from berth.pack.pack import pack_checkpoint
from berth.sources.sample import sample_folder
from handler.doors.paths import NOT_SERVED
from tests.support.plain_transformers import classify_one_by_one, embed_one_by_one
from tests.support.servers import Server, running_server
from tests.support.texts import mixed_texts

pytestmark = pytest.mark.server

TOLERANCE = 1e-5  # fp32 against plain transformers
SAMPLE_MAX_TOKENS = 256
TINY_MAX_TOKENS = 512


@pytest.fixture
def server(answering_server: Server) -> Server:
    return answering_server


@pytest.fixture
def grpc_client(answering_server: Server) -> Iterator[GrpcClient]:
    with GrpcClient(f"127.0.0.1:{answering_server.grpc_port}") as client:
        yield client


def post(server: Server, model: str, body: Any, **headers: str) -> requests.Response:
    """A body as given (bytes), or as JSON."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    url = f"{server.inference_url}/predictions/{model}"
    return requests.post(url, data=data, headers={"content-type": "application/json", **headers}, timeout=120)


def assert_embeddings(values: list[Any], texts: list[str]) -> None:
    expected = embed_one_by_one(sample_folder(), texts, SAMPLE_MAX_TOKENS)
    np.testing.assert_allclose(values, expected, rtol=0, atol=TOLERANCE)


def test_hello_world_is_transformers_own_embedding(server: Server) -> None:
    response = post(server, "bert", {"inputs": "hello world"})
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert response.headers["x-compute-tokens"] == "4"
    assert float(response.headers["x-inference-time-ms"]) > 0
    assert "x-truncated" not in response.headers
    assert_embeddings([response.json()], ["hello world"])


def test_a_list_of_mixed_lengths(server: Server) -> None:
    texts = mixed_texts(20)
    response = post(server, "bert", {"inputs": texts})
    assert_embeddings(response.json(), texts)
    long = embedding_inputs_cut(texts)
    assert response.headers["x-truncated"] == ",".join(map(str, long))


def embedding_inputs_cut(texts: list[str]) -> list[int]:
    from transformers import AutoTokenizer  # noqa: PLC0415

    tokenizer = AutoTokenizer.from_pretrained(sample_folder())
    lengths = [len(tokenizer(text, truncation=False, verbose=False)["input_ids"]) for text in texts]
    return [index for index, length in enumerate(lengths) if length > SAMPLE_MAX_TOKENS]


def test_classification_of_texts_and_pairs(server: Server, tiny: Path) -> None:
    pairs = [("is it open", "yes, until nine"), ("", "b")]
    inputs = ["one text", *({"text": text, "text_pair": pair} for text, pair in pairs)]
    values = post(server, "tiny", {"inputs": inputs, "parameters": {"top_k": None}}).json()
    expected = classify_one_by_one(tiny, ["one text", *pairs], TINY_MAX_TOKENS)
    for value, scores in zip(values, expected, strict=True):
        assert {item["label"]: item["score"] for item in value} == pytest.approx(scores, abs=TOLERANCE)
        assert [item["label"] for item in value] == sorted(scores, key=lambda label: -scores[label])
    (best,) = post(server, "tiny", {"inputs": ["one text"]}).json()
    assert best == {**values[0][0], "score": pytest.approx(values[0][0]["score"], abs=TOLERANCE)}


BAD_REQUESTS: list[tuple[bytes, dict[str, str], int, str]] = [
    (b'{"inputs": "cut off', {}, 400, "not JSON"),
    (b'{"inputs": 5}', {}, 422, "got integer"),
    (b'{"inputs": ["good", {"text": []}]}', {}, 422, "got array"),
    (b'{"inputs": "x", "parameters": {"topk": 3}}', {}, 422, "'topk'"),
    (b'{"inputs": []}', {}, 422, "length >= 1"),
    (b'{"inputs": "x"}', {"content-type": "application/x-www-form-urlencoded"}, 415, "application/json"),
    (json.dumps({"inputs": "long " * 600, "parameters": {"truncation": False}}).encode(), {}, 422, "602 tokens"),
    (b"\x89PNG", {"content-type": "image/png"}, 415, "image/png"),
]


def test_32_concurrent_requests_of_which_8_are_bad(server: Server) -> None:
    texts = mixed_texts(24)
    before = server.worker_pids()
    with concurrent.futures.ThreadPoolExecutor(32) as pool:
        bad = [pool.submit(post, server, "bert", body, **headers) for body, headers, _, _ in BAD_REQUESTS]
        good = [pool.submit(post, server, "bert", {"inputs": text}) for text in texts]
    assert_embeddings([response.result().json() for response in good], texts)
    for response, (_, _, status, part) in zip(bad, BAD_REQUESTS, strict=True):
        error = response.result().json()
        assert (response.result().status_code, error["code"]) == (status, status)
        assert set(error) == {"code", "type", "message", "param"}
        assert part in error["message"]
    assert server.worker_pids() == before


def test_headers_of_a_client_change_nobodys_answer(server: Server) -> None:
    texts = mixed_texts(8)
    with concurrent.futures.ThreadPoolExecutor(17) as pool:
        sent = [pool.submit(post, server, "bert", {"inputs": text}, describe="True") for text in texts]
        crafted = pool.submit(post, server, "bert", b"{}", **{"content-type": "a/b; charset*=a; charset*0=b"})
        good = [pool.submit(post, server, "bert", {"inputs": text}) for text in texts]
    assert crafted.result().status_code == 415
    assert_embeddings([future.result().json() for future in [*sent, *good]], [*texts, *texts])


def test_a_batch_of_the_largest_requests(server: Server) -> None:
    """64 at once, each near max_request_size: every one is answered, if only with "not now", and nothing dies."""
    before = server.worker_pids()
    body = b'{"inputs": "' + b"word " * 200_000 + b'"}'
    with concurrent.futures.ThreadPoolExecutor(64) as pool:
        answers = list(pool.map(lambda _: post(server, "bert", body), range(64)))
    assert {response.status_code for response in answers} <= {200, 503}
    assert {response.headers["x-truncated"] for response in answers if response.ok} == {"0"}
    assert server.worker_pids() == before


def test_plain_text_and_forms(server: Server) -> None:
    url = f"{server.inference_url}/predictions/bert"
    plain = requests.post(url, data="naïve 😀".encode(), headers={"content-type": "text/plain"}, timeout=30)
    form = requests.post(url, data={"data": "naïve 😀"}, timeout=30)
    multipart = requests.post(url, files={"data": (None, "naïve 😀")}, timeout=30)
    assert_embeddings([plain.json(), form.json(), multipart.json()], ["naïve 😀"] * 3)


def test_deep_check_runs_a_known_text(server: Server) -> None:
    for model in ("bert", "tiny"):
        response = requests.get(f"{server.inference_url}/predictions/{model}/1.0/check", timeout=30)
        answer = response.json()
        assert (response.status_code, answer["status"], answer["model"]) == (200, "ok", model)
        assert answer["max_difference"] < 1e-4


def grpc_answer(client: GrpcClient, method: str = "Predictions", **inputs: bytes) -> Any:
    (answer,) = client.call(f"{INFERENCE}.{method}", model_name="bert", input=inputs)
    return json.loads(answer.prediction)


def test_grpc_predictions_answers_body_and_data(grpc_client: GrpcClient) -> None:
    body = grpc_answer(grpc_client, body=b'{"inputs": "hello world"}')
    data = grpc_answer(grpc_client, data=b"hello world")
    assert_embeddings([body, data], ["hello world"] * 2)
    assert grpc_answer(grpc_client, body=b'{"inputs": 5}')["code"] == 422


def test_stream_predictions_answers_and_leaves_the_worker_alive(server: Server, grpc_client: GrpcClient) -> None:
    """Without the header ts_stream_next one such call is a null pointer in the frontend, which kills the worker."""
    before = server.worker_pids()
    for _ in range(3):
        answer = grpc_answer(grpc_client, "StreamPredictions", body=b'{"inputs": "hello world"}')
        assert_embeddings([answer], ["hello world"])
    assert grpc_answer(grpc_client, "StreamPredictions", body=b"{")["code"] == 400
    # Inputs stand in the same dict as headers: one of this name must not make gRPC look like REST.
    assert grpc_answer(grpc_client, "StreamPredictions", body=b"{}", explain=b"x")["code"] == 422
    assert_embeddings([post(server, "bert", {"inputs": "after"}).json()], ["after"])
    assert server.worker_pids() == before


@pytest.mark.parametrize(
    "path", ["invocations?model_name=bert", "models/bert/invoke", "bert/predict", "bert/1.0/predict"]
)
def test_where_torchserve_adds_no_header_a_client_is_answered(server: Server, path: str) -> None:
    """Taken for gRPC it would be told that more is to come, and wait for ever. A front does not let it come so far."""
    haproxy = [each for each in psutil.Process(server.process.pid).children() if each.name() == "haproxy"]
    url = f"{server.inference_url}/{path}"
    answer = requests.post(find_behind(url, haproxy[0]) if haproxy else url, json={"inputs": "hello world"}, timeout=60)
    assert (answer.status_code, answer.json()["message"]) == (404, NOT_SERVED)


@pytest.fixture(scope="module")
def lone_server(tmp_path_factory: pytest.TempPathFactory, tiny: Path) -> Iterator[Server]:
    """One model with one worker, and answers of at most 2000 bytes."""
    archive = pack_checkpoint(tiny, PackOptions(output=tmp_path_factory.mktemp("lone"))).archive
    with running_server([archive], {"TS_MAX_RESPONSE_SIZE": "2000"}) as running:
        yield running


def test_answer_that_would_be_too_large_is_refused(lone_server: Server) -> None:
    """Sent, it would kill the worker (max_response_size): so the handler says 413 first."""
    before = lone_server.worker_pids("tiny")
    assert post(lone_server, "tiny", {"inputs": ["x"] * 100}).status_code == 413
    assert post(lone_server, "tiny", {"inputs": ["x"] * 10}).status_code == 200
    assert lone_server.worker_pids("tiny") == before


@pytest.mark.parametrize("num_workers", [1, 2, 1], ids=["alone", "scaled up", "scaled down"])  # noqa: PT014 - and back
def test_workers_share_the_cores(lone_server: Server, num_workers: int) -> None:
    with GrpcClient(f"127.0.0.1:{lone_server.ports['grpc_management']}") as management:
        management.scale("tiny", workers=num_workers)
    assert [worker["status"] for worker in lone_server.describe("tiny")["workers"]] == ["READY"] * num_workers

    def threads() -> int:
        post(lone_server, "tiny", {"inputs": "x"})
        url = f"{lone_server.management_url}/models/tiny"
        description = requests.get(url, params={"customized": "true"}, timeout=30).json()
        return int(description[0]["customizedMetadata"]["threads"])

    share = max(1, granted_cores() // num_workers)
    lone_server.require(lambda: threads() == share, 30, f"{num_workers} workers share the cores")
