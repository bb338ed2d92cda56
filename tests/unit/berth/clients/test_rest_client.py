"""The client against a real HTTP server on this machine, which answers as berth's does."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

import pytest

from berth.archive.content import SERVER_SETTINGS
from berth.clients.chunks import CHUNK_BYTES, CHUNK_TEXTS, Frame, count_texts, cut_chunks, encode_input
from berth.clients.connection import Connection, refusal
from berth.clients.messages import Input, Parameters, decode_results
from berth.clients.rest_client import RestClient
from berth.errors import BerthError, RequestFailed, ServerUnreachable, UsageError
from handler.config import MAX_INPUTS_PER_REQUEST, MAX_TEXTS_PER_REQUEST
from tests.support.http_standin import JsonHandler, answering


class Lengths(JsonHandler):
    """A model whose result is the text's length; it refuses the text "bad" as berth's handler refuses one."""

    def do_POST(self) -> None:  # noqa: N802 - the base class's name
        inputs = json.loads(self.rfile.read(int(self.headers["content-length"])))["inputs"]
        if self.path != "/predictions/lengths":
            self.answer(404, {"code": 404, "type": "ModelNotFoundException", "message": "Model not found"})
        elif "bad" in inputs:
            param = f"/inputs/{inputs.index('bad')}"
            self.answer(422, {"code": 422, "type": "InvalidInput", "message": "not this", "param": param})
        else:
            self.answer(200, [[len(text)] for text in inputs])


class Counting(JsonHandler):
    """Says of each input what came with it. A word is a window of a text: it reads as many as berth's handler does."""

    def do_POST(self) -> None:  # noqa: N802 - the base class's name
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        inputs, parameters = body["inputs"], body.get("parameters", {})
        texts = [source.get("texts", ["x"]) if isinstance(source, dict) else source.split() for source in inputs]
        num_read = sum(map(len, texts)) * len(parameters.get("candidate_labels", ["x"]))
        if num_read > MAX_TEXTS_PER_REQUEST:
            self.answer(413, {"code": 413, "type": "TooManyInputs", "message": f"{num_read}", "param": "/inputs"})
        else:
            facts = {"path": self.path, "parameters": parameters, "of": len(inputs)}
            self.answer(200, [{"input": source, **facts} for source in inputs])


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with answering(Lengths) as address:
        yield address


@pytest.fixture(scope="module")
def counting() -> Iterator[RestClient]:
    with answering(Counting) as address, RestClient(address) as client:
        yield client


def test_one_result_per_text_in_order_over_several_requests(url: str) -> None:
    texts = ["x" * (index % 7) for index in range(2 * CHUNK_TEXTS + 3)]
    assert RestClient(url + "/").predict(texts, model="lengths") == [[len(text)] for text in texts]


def test_an_error_of_the_server_names_the_text_as_the_user_counts(url: str) -> None:
    texts = ["x"] * (CHUNK_TEXTS + 5) + ["bad"]
    with pytest.raises(RequestFailed, match=rf"answered 422 at /inputs/{CHUNK_TEXTS + 5}: not this") as caught:
        RestClient(url).predict(texts, model="lengths")
    error = caught.value
    assert (error.code, error.type, error.param) == (422, "InvalidInput", f"/inputs/{CHUNK_TEXTS + 5}")


@pytest.mark.parametrize("one", ["abc", {"text": "abc"}])
def test_one_input_in_place_of_a_list_is_not_taken_for_its_parts(counting: RestClient, one: Any) -> None:
    for ask in (counting.predict, counting.explain):
        with pytest.raises(UsageError, match="give a list of them"):
            ask("any", one)


def test_objects_and_parameters_arrive_as_they_are(counting: RestClient) -> None:
    frozen = MappingProxyType({"question": "who?", "context": "é"})
    results = counting.predict(["text", frozen], MappingProxyType({"top_k": None}), model="a/b")
    facts = {"path": "/predictions/a%2Fb", "parameters": {"top_k": None}, "of": 2}
    assert results == [{"input": "text", **facts}, {"input": dict(frozen), **facts}]


def test_explanations_are_asked_for_one_by_one(counting: RestClient) -> None:
    inputs: list[Input] = ["one", {"text": "two"}]
    facts = {"path": "/explanations/tiny", "parameters": {"n_steps": 5}, "of": 1}
    assert counting.explain(inputs, {"n_steps": 5}, model="tiny") == [{"input": source, **facts} for source in inputs]


def asked(client: RestClient, inputs: list[Input], parameters: dict[str, object] | None = None) -> list[int]:
    """With how many inputs in its request each was asked, once every result is in its place."""
    results: list[Any] = client.predict(inputs, parameters, model="any")
    assert [result["input"] for result in results] == inputs
    return [result["of"] for result in results]


def test_what_the_model_reads_for_an_input_is_counted(counting: RestClient) -> None:
    ranking: Input = {"query": "which?", "texts": ["x"] * 100}
    small: Input = {"query": "which?", "texts": ["x"] * (CHUNK_TEXTS // 2)}
    assert asked(counting, [ranking] * 3 + [small] * 3) == [1, 1, 1, 2, 2, 1]
    assert asked(counting, ["x"] * 5, {"candidate_labels": ["a"] * (CHUNK_TEXTS // 2)}) == [2, 2, 2, 2, 1]
    assert asked(counting, ["x"] * 2, {"candidate_labels": ["a"] * MAX_TEXTS_PER_REQUEST}) == [1, 1]


def test_a_request_of_which_the_server_wants_less_is_cut_in_halves(counting: RestClient) -> None:
    texts = [f"{index} " + "window " * 99 for index in range(CHUNK_TEXTS)]
    assert asked(counting, list(texts)) == [2] * CHUNK_TEXTS


def test_an_input_that_is_too_much_by_itself_is_named(counting: RestClient) -> None:
    too_long = "window " * (MAX_TEXTS_PER_REQUEST + 1)
    with pytest.raises(RequestFailed, match=f"{MAX_TEXTS_PER_REQUEST + 1}$") as caught:
        counting.predict(["x"] * (CHUNK_TEXTS + 5) + [too_long, "x"], model="any")
    assert (caught.value.type, caught.value.param) == ("TooManyInputs", f"/inputs/{CHUNK_TEXTS + 5}")


def test_labels_are_counted_as_the_server_reads_them() -> None:
    assert count_texts("x", {"candidate_labels": "one, two,, three ,"}) == 3
    assert count_texts({"query": "x", "texts": ["a", "b"]}, {"top_k": 1}) == 2


@pytest.mark.parametrize("wrong", [None, 5, [], ""])
def test_what_the_server_will_refuse_counts_too(wrong: object) -> None:
    assert count_texts({"query": "x", "texts": wrong}, {"candidate_labels": wrong}) == 1


@pytest.mark.parametrize("value", [float("nan"), {1, 2}, b"x"])
def test_what_is_no_json_is_a_usage_error(value: object) -> None:
    client = RestClient("http://127.0.0.1:9")
    for inputs, parameters in ([{"text": value}], {}), (["x"], {"threshold": value}):
        with pytest.raises(UsageError, match="cannot be written as JSON"):
            client.predict(inputs, parameters, model="any")


def test_an_unknown_model_is_the_servers_answer(url: str) -> None:
    with pytest.raises(BerthError, match=r"answered 404: Model not found.*berth models"):
        RestClient(url).predict(["x"], model="none")


def test_no_server_says_how_to_start_one() -> None:
    with pytest.raises(ServerUnreachable, match="berth serve") as caught:
        RestClient("http://127.0.0.1:9").predict(["x"], model="bert")
    assert caught.value.exit_code == 3


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "localhost", "[::1]"])
def test_a_proxy_of_the_environment_is_not_asked_for_loopback(
    url: str, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", url)
    monkeypatch.delenv("no_proxy", raising=False)
    with pytest.raises(ServerUnreachable):
        RestClient(f"http://{host}:9").predict(["x"], model="bert")
    with pytest.raises(RequestFailed):
        RestClient("http://elsewhere:9").predict(["x"], model="bert")


@pytest.mark.parametrize(
    "url", ["127.0.0.1:8080", "ftp://host", "http://", "http://[::", "http://h:99999", "http://h:0"]
)
def test_an_address_that_is_none_is_a_usage_error(url: str) -> None:
    with pytest.raises(UsageError, match="is not a server address"):
        RestClient(url)


@pytest.mark.parametrize("url", ["http://.host", f"http://{'h' * 64}"])
def test_a_host_that_cannot_be_one_is_a_usage_error(url: str) -> None:
    with pytest.raises(UsageError, match="is not a server address"):
        RestClient(url).predict(["x"], model="bert")


@contextmanager
def answering_once(answer: bytes) -> Iterator[str]:
    """The address of a server that reads one request's beginning, sends these bytes and hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(max_workers=1) as thread:
        answered = thread.submit(_answer_once, listener, answer)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        answered.result()


def _answer_once(listener: socket.socket, answer: bytes) -> None:
    connection, _ = listener.accept()
    with connection:
        connection.recv(1)
        connection.sendall(answer)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n[1",
        b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n[1",
    ],
)
def test_a_broken_connection_is_not_an_absent_server(answer: bytes) -> None:
    with answering_once(answer) as url, pytest.raises(BerthError, match=r"broke .*; try again") as caught:
        RestClient(url).predict(["x"], model="bert")
    assert caught.value.exit_code == 1


def test_an_answer_that_cannot_be_decoded_is_no_berth_servers() -> None:
    answer = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 3\r\n\r\n[1]"
    with answering_once(answer) as url, pytest.raises(BerthError, match="did not answer as a berth server does"):
        RestClient(url).predict(["x"], model="bert")


@pytest.mark.parametrize("answer", [b"[[0.5]]", b'["x", "y"]', b"[1.5, 2.5]", b'{"label": "x"}', b"<html>"])
def test_other_results_than_a_list_of_as_many_are_no_berth_servers(answer: bytes) -> None:
    head = f"HTTP/1.1 200 OK\r\ncontent-length: {len(answer)}\r\n\r\n".encode()
    with answering_once(head + answer) as url, pytest.raises(BerthError, match="did not answer as a berth server does"):
        RestClient(url).predict(["one", "two"], model="bert")


@pytest.mark.parametrize(
    "result",
    [
        [0.5, 1.0],
        [],
        {"label": "x", "score": 0.5},
        [{"entity": "B-PER", "score": 0.5, "index": 1, "word": "Ada", "start": 0, "end": 3}],
        [[{"score": 0.5, "token": 3, "token_str": "x", "sequence": "x y"}], []],
        {"sequence": "x", "labels": ["a", "b"], "scores": [0.5, 0.5]},
        {"label": "x", "score": 0.5, "tokens": [{"token": "x", "attribution": -0.5}]},
    ],
)
def test_a_result_of_any_task_is_plain_json(result: object) -> None:
    assert decode_results(json.dumps([result, result]).encode(), 2) == [result, result]


def test_a_server_that_does_not_answer_is_not_waited_for_without_end() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = Connection(f"http://127.0.0.1:{listener.getsockname()[1]}")
        with server, pytest.raises(BerthError, match=r"has not answered for 0\.1 s"):
            server.ask("GET", "/", bytes, timeout_s=0.1)


def test_a_full_request_is_answered_well_in_time() -> None:
    assert min(MAX_INPUTS_PER_REQUEST, MAX_TEXTS_PER_REQUEST) >= CHUNK_TEXTS
    assert SERVER_SETTINGS["responseTimeout"] / 2 > CHUNK_TEXTS * 512 / 450


def chunks(texts: list[str], parameters: Parameters | None = None) -> list[list[str]]:
    """The texts of each request, as the server reads them."""
    frame = Frame.of(parameters)
    cut = list(cut_chunks((encode_input(text, parameters) for text in texts), frame, CHUNK_TEXTS))
    bodies = [frame.around(chunk) for chunk in cut]
    assert all(len(chunk) == 1 or len(body) <= CHUNK_BYTES for chunk, body in zip(cut, bodies, strict=True))
    read = [json.loads(body) for body in bodies]
    assert all(each.get("parameters") == parameters for each in read)
    return [each["inputs"] for each in read]


def test_chunks_keep_order_and_both_limits() -> None:
    texts = ["é" * (CHUNK_BYTES // 20)] * 5 + ["x" * (2 * CHUNK_BYTES)] + ["short"] * (CHUNK_TEXTS + 1)
    cut = chunks(texts)
    assert [text for chunk in cut for text in chunk] == texts
    assert all(len(chunk) <= CHUNK_TEXTS for chunk in cut)
    assert chunks([]) == []
    with_parameters = chunks(["x" * (CHUNK_BYTES // 2 - 20)] * 2, {"targets": ["word"] * 10})
    assert [len(chunk) for chunk in with_parameters] == [1, 1]


def test_errors_without_our_body_are_still_clear() -> None:
    assert "max_request_size" in str(refusal(413, b""))
    assert "Bad Gateway" in str(refusal(502, b"<h1>Bad Gateway</h1>"))
    assert str(refusal(400, b"[1]")) == "the server answered 400: [1]"


def test_the_clients_import_neither_torch_nor_transformers() -> None:
    program = (
        "import sys, berth.clients.rest_client, berth.clients.management; "
        "print([name for name in ('torch', 'transformers') if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


class Guarded(JsonHandler):
    """Says with what credentials it was asked."""

    def do_GET(self) -> None:  # noqa: N802 - the base class's name
        self.answer(200, self.headers["authorization"])


def test_credentials_in_an_address_are_sent_and_never_shown() -> None:
    with answering(Guarded) as url, Connection(url.replace("//", "//user:p%40ss@") + "/") as server:
        assert server.url == url
        assert server.ask("GET", "/", json.loads, timeout_s=5) == "Basic dXNlcjpwQHNz", "base64 of user:p@ss"
    with pytest.raises(ServerUnreachable, match=r"no server answers at http://127\.0\.0\.1:9: "):
        RestClient("http://user:p%40ss@127.0.0.1:9").predict(["a"], model="m")
