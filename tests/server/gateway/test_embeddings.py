"""OpenAI's embeddings at the root, asked with OpenAI's package: many inputs, in order, and errors of one of them."""

import gzip
import json
from collections.abc import Iterator

import httpx2
import numpy as np
import openai
import pytest

from berth.gateway.over_http.embeddings import MAX_INPUTS
from handler.config import Task
from tests.support.front.gateway import Gateway, running_gateway
from tests.support.servers import Server
from tests.support.texts import mixed_texts

pytestmark = pytest.mark.server

TOLERANCE = 1e-5
MODEL = str(Task.EMBEDDINGS)
URL = "http://berth/v1/embeddings"


@pytest.fixture
def http(gateway: Gateway) -> Iterator[httpx2.Client]:
    with httpx2.Client(transport=httpx2.HTTPTransport(uds=gateway.settings.http), timeout=120) as client:
        yield client


@pytest.fixture
def client(http: httpx2.Client) -> openai.OpenAI:
    return openai.OpenAI(base_url="http://berth/v1", api_key="none", max_retries=0, http_client=http)


def short_texts(count: int) -> list[str]:
    """No two alike, so that no place can be mistaken."""
    return [f"text number {number}" for number in range(count)]


def native(server: Server, texts: list[str]) -> list[list[float]]:
    """The native door's answer, by requests that fit."""
    url = f"{server.inference_url}/predictions/{MODEL}"
    found: list[list[float]] = []
    for first in range(0, len(texts), 256):
        found += httpx2.post(url, json={"inputs": texts[first : first + 256]}, timeout=120).json()
    return found


@pytest.mark.parametrize("encoding", ["float", "base64"])
def test_2048_inputs_come_back_in_order(client: openai.OpenAI, tasks_server: Server, encoding: str) -> None:
    texts = short_texts(MAX_INPUTS)
    options = {"encoding_format": encoding} if encoding == "float" else {}  # the package decodes what it asks by itself
    answer = client.embeddings.create(model=MODEL, input=texts, **options)  # type: ignore[arg-type]
    assert [each.index for each in answer.data] == list(range(MAX_INPUTS))
    found = [each.embedding for each in answer.data]
    np.testing.assert_allclose(found, native(tasks_server, texts), rtol=0, atol=TOLERANCE)
    assert answer.model == MODEL


def test_tokens_are_counted_and_what_was_cut_is_named(http: httpx2.Client) -> None:
    texts = short_texts(600)
    texts[3] = texts[300] = texts[599] = "long " * 3000
    answer = http.post(URL, json={"model": MODEL, "input": texts})
    usage = answer.json()["usage"]
    assert answer.headers["x-truncated"] == "3,300,599"
    assert answer.json()["truncated"] == [3, 300, 599]
    assert str(usage["prompt_tokens"]) == str(usage["total_tokens"]) == answer.headers["x-compute-tokens"]
    few = [http.post(URL, json={"model": MODEL, "input": texts[at : at + 200]}).json()["usage"] for at in (0, 200, 400)]
    assert usage["prompt_tokens"] == sum(each["prompt_tokens"] for each in few)


def test_token_ids_are_inputs_too(client: openai.OpenAI) -> None:
    ids = [[101, 200 + number % 9, 102] for number in range(400)]
    answer = client.embeddings.create(model=MODEL, input=ids)
    alone = [client.embeddings.create(model=MODEL, input=each).data[0].embedding for each in ids[:9]]
    for number, each in enumerate(answer.data):
        np.testing.assert_allclose(each.embedding, alone[number % 9], rtol=0, atol=TOLERANCE)


def test_one_inputs_error_is_the_wholes_and_has_its_place(client: openai.OpenAI) -> None:
    texts: list[object] = [*short_texts(1000)]
    texts[700] = {"no": "text"}
    with pytest.raises(openai.UnprocessableEntityError, match=r"input\.700") as raised:
        client.embeddings.create(model=MODEL, input=texts)  # type: ignore[arg-type]
    assert raised.value.param == "/input/700"


@pytest.mark.parametrize(
    ("texts", "says"),
    [
        (short_texts(MAX_INPUTS + 1), "input has 2049 and at most 2048 inputs are taken at once"),
        (["a", "x" * 2**20], "input.1 has 1048578 bytes, too many for one request: shorten it"),
        ("x" * 2**20, "bytes, more than 1048576: send fewer inputs at once"),
        (["x" * 2**20] * 9, "the request has more than 8388608 bytes: send fewer inputs at once"),
    ],
)
def test_what_no_split_makes_fit(client: openai.OpenAI, texts: str | list[str], says: str) -> None:
    with pytest.raises(openai.APIStatusError) as raised:
        client.embeddings.create(model=MODEL, input=texts)
    assert raised.value.status_code == 413
    assert says in raised.value.message


def test_long_texts_of_a_long_request_are_divided_by_bytes(client: openai.OpenAI, tasks_server: Server) -> None:
    texts = [f"{number} " + "é" * 30_000 for number in range(60)]
    answer = client.embeddings.create(model=MODEL, input=texts)
    assert len(answer.data) == 60
    np.testing.assert_allclose(answer.data[59].embedding, native(tasks_server, texts[59:])[0], rtol=0, atol=TOLERANCE)


def test_a_part_that_the_server_finds_too_large_is_halved(client: openai.OpenAI) -> None:
    """256 texts of 2048 tokens are four times what the model reads for one request."""
    texts = mixed_texts(8) + ["word " * 700] * 248
    answer = client.embeddings.create(model=MODEL, input=texts)
    assert [each.index for each in answer.data] == list(range(256))


def test_a_body_in_gzip_and_one_in_chunks(http: httpx2.Client) -> None:
    body = json.dumps({"model": MODEL, "input": short_texts(300)}).encode()
    plain = http.post(URL, content=body)
    packed = http.post(URL, content=gzip.compress(body), headers={"content-encoding": "gzip"})
    chunked = http.post(URL, content=iter([body[:1000], body[1000:]]))
    assert plain.status_code == packed.status_code == chunked.status_code == 200
    assert len(plain.json()["data"]) == len(packed.json()["data"]) == len(chunked.json()["data"]) == 300
    for said, status, kind in (("gzip", 400, "NotParseable"), ("zstd", 415, "UnsupportedMedia")):
        broken = http.post(URL, content=body, headers={"content-encoding": said})
        assert (broken.status_code, broken.json()["error"]["type"]) == (status, kind)
    bomb = gzip.compress(b"0" * 9 * 2**20)
    assert http.post(URL, content=bomb, headers={"content-encoding": "gzip"}).status_code == 413


def test_with_one_model_any_name_will_do(tasks_server: Server) -> None:
    with (
        running_gateway(tasks_server.inference_url, tasks_server.health_url, {MODEL: ["1.0"]}) as alone,
        httpx2.Client(transport=httpx2.HTTPTransport(uds=alone.settings.http), timeout=60) as http,
    ):
        for body in ({"input": "a"}, {"input": "a", "model": "text-embedding-3-small"}):
            assert http.post(URL, json=body).json()["model"] == MODEL
        assert http.post(URL, content=b"{").json()["error"]["type"] == "NotParseable"
