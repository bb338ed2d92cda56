"""CORS: a browser's questions, and what it may read of the answers."""

import pytest

from tests.support.front.fronted import Fronted

PREFLIGHT = {"access-control-request-method": "POST", "access-control-request-headers": "authorization,content-type"}


@pytest.mark.parametrize("origin", ["https://app.example", "http://localhost:3000"])
def test_a_listed_page_may_ask(locked: Fronted, origin: str) -> None:
    status, headers, _ = locked.ask(method="OPTIONS", body=b"", headers={"origin": origin, **PREFLIGHT})
    assert status == 204
    assert headers["access-control-allow-origin"] == origin
    assert headers["access-control-allow-headers"] == "authorization,content-type"
    assert headers["access-control-allow-methods"] == "GET, POST, OPTIONS"
    assert headers["vary"] == "origin"


@pytest.mark.parametrize(("key", "status"), [("open-sesame", 200), (None, 401)])
def test_a_listed_page_reads_answers_and_errors(locked: Fronted, key: str | None, status: int) -> None:
    asked = locked.ask(key=key, headers={"origin": "https://app.example"})
    assert (asked[0], asked[1]["access-control-allow-origin"]) == (status, "https://app.example")
    assert "x-request-id" in asked[1]["access-control-expose-headers"]


@pytest.mark.parametrize("origin", ["https://app.example.evil.example", "https://evil.example", "null"])
def test_another_page_does_neither(locked: Fronted, origin: str) -> None:
    status, headers, _ = locked.ask(method="OPTIONS", body=b"", headers={"origin": origin, **PREFLIGHT})
    assert status == 401
    assert not [name for name in headers if name.startswith("access-control")]
    _, headers, _ = locked.ask(key="open-sesame", headers={"origin": origin})
    assert not [name for name in headers if name.startswith("access-control")]
