"""The client against a real HTTP server on this machine, which answers as berth's does."""

import io
import json
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from berth.archive import SERVER_SETTINGS
from berth.client import CHUNK_BYTES, CHUNK_TEXTS, Client, chunks, error_message, read_texts
from berth.errors import BerthError, ServerUnreachable, UsageError
from handler.config import MAX_INPUTS_PER_REQUEST


class Lengths(BaseHTTPRequestHandler):
    """A model whose result is the text's length; it refuses the text "bad" as berth's handler refuses one."""

    def do_POST(self) -> None:
        inputs = json.loads(self.rfile.read(int(self.headers["content-length"])))["inputs"]
        if self.path != "/predictions/lengths":
            self._answer(404, {"code": 404, "type": "ModelNotFoundException", "message": "Model not found"})
        elif "bad" in inputs:
            param = f"/inputs/{inputs.index('bad')}"
            self._answer(422, {"code": 422, "type": "InvalidInput", "message": "not this", "param": param})
        else:
            self._answer(200, [len(text) for text in inputs])

    def _answer(self, status: int, body: object) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """No line per request on stderr."""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Lengths) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_one_result_per_text_in_order_over_several_requests(url: str) -> None:
    texts = ["x" * (index % 7) for index in range(2 * CHUNK_TEXTS + 3)]
    assert Client(url + "/").predict("lengths", texts) == [len(text) for text in texts]


def test_an_error_of_the_server_names_the_text_as_the_user_counts(url: str) -> None:
    texts = ["x"] * (CHUNK_TEXTS + 5) + ["bad"]
    with pytest.raises(BerthError, match=rf"answered 422 at /inputs/{CHUNK_TEXTS + 5}: not this"):
        Client(url).predict("lengths", texts)


def test_an_unknown_model_is_the_servers_answer(url: str) -> None:
    with pytest.raises(BerthError, match="answered 404: Model not found"):
        Client(url).predict("none", ["x"])


def test_no_server_says_how_to_start_one() -> None:
    with pytest.raises(ServerUnreachable, match="berth serve") as caught:
        Client("http://127.0.0.1:9").predict("bert", ["x"])
    assert caught.value.exit_code == 3


@pytest.mark.parametrize(
    "url", ["127.0.0.1:8080", "ftp://host", "http://", "http://[::", "http://h:99999", "http://h:0"]
)
def test_an_address_that_is_none_is_a_usage_error(url: str) -> None:
    with pytest.raises(UsageError, match="no address"):
        Client(url)


@pytest.mark.parametrize("url", ["http://.host", f"http://{'h' * 64}"])
def test_a_host_that_cannot_be_one_is_a_usage_error(url: str) -> None:
    with pytest.raises(UsageError, match="no address"):
        Client(url).predict("bert", ["x"])


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
        Client(url).predict("bert", ["x"])
    assert caught.value.exit_code == 1


def test_an_answer_that_cannot_be_decoded_is_no_berth_servers() -> None:
    answer = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 3\r\n\r\n[1]"
    with answering_once(answer) as url, pytest.raises(BerthError, match="did not answer as a berth server does"):
        Client(url).predict("bert", ["x"])


def test_a_full_request_is_answered_well_in_time() -> None:
    assert CHUNK_TEXTS <= MAX_INPUTS_PER_REQUEST
    assert SERVER_SETTINGS["responseTimeout"] / 2 > CHUNK_TEXTS * 512 / 450


def test_chunks_keep_order_and_both_limits() -> None:
    texts = ["é" * (CHUNK_BYTES // 20)] * 5 + ["x" * (2 * CHUNK_BYTES)] + ["short"] * (CHUNK_TEXTS + 1)
    cut = list(chunks(texts))
    assert [text for chunk in cut for text in chunk] == texts
    assert all(len(chunk) <= CHUNK_TEXTS for chunk in cut)
    assert all(len(chunk) == 1 or len(json.dumps(chunk)) <= CHUNK_BYTES for chunk in cut)
    assert list(chunks([])) == []


def test_errors_without_our_body_are_still_clear() -> None:
    assert "max_request_size" in error_message(413, "")
    assert "Bad Gateway" in error_message(502, "<h1>Bad Gateway</h1>")
    assert error_message(400, "[1]") == "the server answered 400: [1]"


def test_texts_come_from_arguments_a_file_or_standard_input(tmp_path: Path) -> None:
    path = tmp_path / "texts"
    path.write_text("one\n\nthree", encoding="utf-8")
    assert read_texts(["a", "b"], None) == ["a", "b"]
    assert read_texts([], path) == ["one", "", "three"]
    assert read_texts([], None, io.StringIO("in\n")) == ["in"]
    assert read_texts([], Path("-"), io.StringIO("in\n")) == ["in"]


class Terminal(io.StringIO):
    """A standard input that nobody typed into."""

    def isatty(self) -> bool:
        return True


def test_no_text_and_two_sources_are_usage_errors(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not both"):
        read_texts(["a"], tmp_path)
    with pytest.raises(UsageError, match="no text"):
        read_texts([], None, Terminal())
    with pytest.raises(UsageError, match="empty"):
        read_texts([], None, io.StringIO(""))
    with pytest.raises(UsageError, match="No such file"):
        read_texts([], tmp_path / "none")
    (tmp_path / "latin1").write_bytes(b"\xe9")
    with pytest.raises(UsageError, match="UTF-8"):
        read_texts([], tmp_path / "latin1")
