"""A request's bytes, and what of an answer's head counts."""

import pytest

from berth.tune.wire import format_head, parse_head


def test_headers_are_sent() -> None:
    head = format_head("host:1", "/a", {"x-answer-bytes": "7"}).decode()
    assert head == "POST /a HTTP/1.1\r\nHost: host:1\r\nContent-Type: application/json\r\nx-answer-bytes: 7\r\n"


def test_head_of_an_answer() -> None:
    assert parse_head(b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\nx: y\r\n\r\n") == (200, 12)
    assert parse_head(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n") == (200, None)
    assert parse_head(b"HTTP/1.1 413\r\n\r\n") == (413, 0)
    with pytest.raises(ValueError, match="invalid literal"):
        parse_head(b"nonsense\r\n\r\n")
