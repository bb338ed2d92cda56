"""The lines that a real HAProxy writes, one for each request."""

import errno
import fcntl
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from berth.front.reports.access_log import FIELDS, forwarded
from berth.wait import wait_until
from tests.support.front.haproxy import Front, front_before, needs_haproxy
from tests.support.http_standin import JsonHandler, answering

pytestmark = needs_haproxy
USER_TEXT = "a text that nobody should log"


class Counts(JsonHandler):
    """Answers as the handler does."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:  # noqa: N802 - the base class's name
        self.rfile.read(int(self.headers["content-length"]))
        self.answer(200, {"text": USER_TEXT}, x_compute_tokens="17")


@pytest.fixture
def front(tmp_path: Path) -> Iterator[Front]:
    with answering(Counts) as url, front_before(url, tmp_path, has_access_log=True) as running:
        yield running


def lines(front: Front, number: int) -> list[dict[str, Any]]:
    def read() -> list[str]:
        written, _, _ = front.log.read_text("utf-8").rpartition("\n")  # the last line may be a half one
        return [line for line in written.splitlines() if line.startswith("{")]

    assert wait_until(lambda: len(read()) >= number, 20.0), front.log.read_text("utf-8")
    return [json.loads(line) for line in read()]


def test_a_request_is_one_object_without_its_text(front: Front) -> None:
    headers = {
        "x-request-id": 'a "quoted" one',
        "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    }
    url = f"{front.url}/predictions/bert?data={USER_TEXT}"
    requests.post(url, json={"inputs": USER_TEXT}, headers=headers, timeout=20)
    (line,) = lines(front, 1)
    assert list(line) == list(FIELDS)
    assert line | {"time": "", "ms": 0, "bytes": 0} == {
        "time": "",
        "level": "info",
        "source": "front",
        "id": 'a "quoted" one',
        "traceparent": headers["traceparent"],
        "key": "-",
        "model": "bert",
        "version": "1.0",
        "method": "POST",
        "path": "/predictions/bert",
        "status": 200,
        "ms": 0,
        "tokens": 17,
        "bytes": 0,
        "refusal": "-",
    }
    assert line["bytes"] > 0
    assert USER_TEXT not in front.log.read_text("utf-8")


def test_a_refusal_is_named(front: Front) -> None:
    requests.post(f"{front.url}/predictions/bert", json={}, headers={"x-priority": "?"}, timeout=20)
    (line,) = lines(front, 1)
    assert (line["status"], line["refusal"], line["tokens"]) == (400, "priority", 0)


def test_what_clients_send_makes_no_line_that_is_not_json(front: Front) -> None:
    for path in ("/" + "x" * 5000, "/%22%0a", "/\u00fc\u20ac", '/"\\'):
        requests.post(front.url + path, json={}, headers={"x-request-id": "\x7f\xff" * 500}, timeout=20)
    assert len(lines(front, 4)) == 4


def test_its_lines_go_on_to_stderr(capfd: pytest.CaptureFixture[str]) -> None:
    with forwarded() as output:
        output.write('{"id":"1"}\n')
    assert capfd.readouterr().err == '{"id":"1"}\n'


def test_parts_of_a_configuration_that_ended_are_left_out(capfd: pytest.CaptureFixture[str]) -> None:
    with forwarded() as output:
        output.write("[WARNING]  (12) : Proxy bert stopped (cumulated conns: FE: 0, BE: 3).\n[ALERT]  (12) : no\n")
    assert capfd.readouterr().err == "[ALERT]  (12) : no\n"


def test_a_system_that_grants_no_larger_pipe(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(fcntl, "fcntl", refuse)
    with forwarded() as output:
        output.write('{"id":"1"}\n')
    assert capfd.readouterr().err == '{"id":"1"}\n'
