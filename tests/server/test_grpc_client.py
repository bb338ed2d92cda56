"""The gRPC client against a real TorchServe: REST's answers, and clear words for every way to fail.

`scale` is shown in test_answers.py, on a server that may change.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import requests

from berth.clients.grpc_client import GrpcClient
from berth.errors import BerthError, RequestFailed, ServerUnreachable, UsageError
from tests.support.servers import Server
from tests.support.texts import mixed_texts

pytestmark = pytest.mark.server

TOLERANCE = 1e-6  # the same engine, in batches of another size


def connect(server: Server, port: str = "grpc_inference", host: str = "127.0.0.1") -> GrpcClient:
    return GrpcClient(f"{host}:{server.ports[port]}")


@pytest.fixture
def client(answering_server: Server) -> Iterator[GrpcClient]:
    with connect(answering_server) as opened:
        yield opened


def rest_answer(server: Server, model: str, text: str) -> Any:
    url = f"{server.inference_url}/predictions/{model}"
    return requests.post(url, json={"inputs": text}, timeout=30).json()


def test_an_embedding_is_rests_own(answering_server: Server, client: GrpcClient) -> None:
    for text in ["", "naïve 😀", *mixed_texts(4)]:
        expected = rest_answer(answering_server, "bert", text)
        results: list[Any] = [client.predict(text, model="bert"), *client.stream(text, model="bert")]
        np.testing.assert_allclose(results, [expected, expected], rtol=0, atol=TOLERANCE)


def test_a_label_is_rests_own(answering_server: Server, client: GrpcClient) -> None:
    expected = rest_answer(answering_server, "tiny", "is it open")
    expected["score"] = pytest.approx(expected["score"], abs=TOLERANCE)
    assert client.predict("is it open", model="tiny") == expected
    assert list(client.stream("is it open", model="tiny")) == [expected]


def test_an_input_that_the_handler_refuses_is_its_own_error(client: GrpcClient) -> None:
    asked: list[Callable[[], object]] = [
        lambda: client.predict({"txet": "x"}, model="bert"),
        lambda: list(client.stream({"txet": "x"}, model="bert")),
    ]
    for ask in asked:
        with pytest.raises(RequestFailed, match="unknown key 'txet'") as caught:
            ask()
        assert (caught.value.code, caught.value.type) == (422, "InvalidInput")


def test_several_models_are_listed_where_none_is_named(
    answering_server: Server, client: GrpcClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UsageError, match=r"set TS_GRPC_MANAGEMENT_PORT to it"):
        client.predict("x")
    monkeypatch.setenv("TS_GRPC_MANAGEMENT_PORT", str(answering_server.ports["grpc_management"]))
    with pytest.raises(UsageError, match=r"has 2 models, bert, tiny: name one of them"):
        client.predict("x")
    with connect(answering_server, "grpc_management") as management:
        assert management.models() == ["bert", "tiny"]


def test_ping_and_localhost(answering_server: Server, client: GrpcClient) -> None:
    assert client.ping()
    with connect(answering_server, host="localhost") as by_name:
        assert by_name.ping()


def test_a_proxy_of_the_environment_is_not_asked_for_loopback(
    answering_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    for host in ("127.0.0.1", "localhost"):
        with connect(answering_server, host=host) as client:
            assert client.ping()


def test_an_unknown_model_is_named(answering_server: Server, client: GrpcClient) -> None:
    with pytest.raises(BerthError, match=r"INTERNAL: Model not found: none$"):
        client.predict("x", model="none")
    with pytest.raises(BerthError, match=r"INTERNAL: Model not found: none$"):
        list(client.stream("x", model="none"))
    with connect(answering_server, "grpc_management") as management, pytest.raises(BerthError, match="not found: none"):
        management.scale("none", workers=1)


def test_the_other_port_is_told_from_this_one(answering_server: Server, client: GrpcClient) -> None:
    with pytest.raises(UsageError, match=r"scale to the management port \(7071\)"):
        client.scale("bert", workers=1)
    with connect(answering_server, "grpc_management") as management:
        with pytest.raises(UsageError, match=r"go to the inference port \(7070\)"):
            management.predict("x", model="bert")
        with pytest.raises(UsageError, match=r"go to the inference port \(7070\)"):
            management.ping()


def test_rests_port_is_told_from_grpcs(answering_server: Server) -> None:
    with connect(answering_server, "inference") as client, pytest.raises(ServerUnreachable, match="not REST's"):
        client.ping()


def test_a_text_over_max_request_size_says_so_and_the_connection_stays(client: GrpcClient) -> None:
    with pytest.raises(BerthError, match="max_request_size"):
        client.predict("x" * 2_000_000, model="bert")
    assert client.ping()
