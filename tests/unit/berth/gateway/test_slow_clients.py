"""Clients that send or read slowly hold nothing that others wait for."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import msgspec
import pytest
from aiohttp import web

from berth.gateway.model_server import ModelServer
from berth.gateway.over_http import embeddings_door, reading, writing
from berth.gateway.over_http.app import make_app
from berth.gateway.page.around import Around
from berth.gateway.readiness import Readiness
from tests.support.front.gateway import MAX_REQUEST_BYTES, make_settings
from tests.support.http_standin import JsonHandler, answering

LONG = "x" * 30_000_000
HEAD = b"POST /v1/embeddings HTTP/1.1\r\nhost: berth\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
LARGE = json.dumps({"input": ["a" * 100_000]}).encode()
SMALL_S = 0.3
WAIT_S = 20.0


class LongAnswers(JsonHandler):
    def do_POST(self) -> None:  # noqa: N802 - the base class's name
        self.rfile.read(int(self.headers["content-length"]))
        self.answer(200, {"data": LONG})


@asynccontextmanager
async def served(folder: Path, server: str, max_request_bytes: int = MAX_REQUEST_BYTES) -> AsyncIterator[str]:
    """The application on a unix socket."""
    made = make_settings(folder, server, server, {"m": ["1.0"]})
    settings = msgspec.structs.replace(made, max_request_bytes=max_request_bytes)
    async with ModelServer.connected(server) as asked, aiohttp.ClientSession() as session:
        app = make_app(settings, asked, Readiness(session, server), Around(settings, session))
        runner = web.AppRunner(app, auto_decompress=False)
        await runner.setup()
        await web.UnixSite(runner, settings.http).start()
        try:
            yield settings.http
        finally:
            await runner.cleanup()


async def say(path: str, sent: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_unix_connection(path, limit=2**16)
    writer.write(sent)
    await writer.drain()
    return reader, writer


def test_a_body_that_does_not_come(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(reading, "READ_S", SMALL_S)

    async def run() -> bytes:
        async with served(tmp_path, "http://127.0.0.1:9") as path:
            reader, writer = await say(path, HEAD % 100_000 + b'{"inp')
            answer = await asyncio.wait_for(reader.readuntil(b"}}"), WAIT_S)
            writer.close()
            return answer

    answer = asyncio.run(run())
    assert b" 408 " in answer
    assert b"did not arrive within 0.3 s: send it again" in answer


def test_who_does_not_read_gives_its_slot_back(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(writing, "SEND_S", SMALL_S)
    monkeypatch.setattr(embeddings_door, "LARGE_AT_ONCE", 1)

    async def run(server: str) -> bytes:
        async with served(tmp_path, server) as path:
            _, idle = await say(path, HEAD % len(LARGE) + LARGE)
            reader, writer = await say(path, HEAD % len(LARGE) + LARGE)
            found = await asyncio.wait_for(reader.readuntil(b"\r\n"), WAIT_S)
            writer.close()
            idle.close()
            return found

    with answering(LongAnswers) as server:
        assert b" 200 " in asyncio.run(run(server))


def test_who_waits_for_a_slot_waits_no_longer_than_it_may(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(embeddings_door, "LARGE_AT_ONCE", 1)
    short = (HEAD % len(LARGE)).replace(b"host: berth", b"host: berth\r\nx-timeout-ms: 300")

    async def run(server: str) -> bytes:
        async with served(tmp_path, server) as path:
            first, idle = await say(path, HEAD % len(LARGE) + LARGE)
            await asyncio.wait_for(first.readuntil(b"\r\n"), WAIT_S)  # its answer is being sent
            reader, writer = await say(path, short + LARGE)
            found = await asyncio.wait_for(reader.readuntil(b"}}"), WAIT_S)
            writer.close()
            idle.close()
            return found

    with answering(LongAnswers) as server:
        answer = asyncio.run(run(server))
    assert b" 503 " in answer
    assert b"1 large requests are answered at once" in answer


def test_max_request_size_is_the_longest_body_whatever_it_is(tmp_path: Path) -> None:
    longest = 12 * 2**20
    head = HEAD.replace(b"/v1/embeddings", b"/predictions/m/1.0")

    async def run(server: str, length: int) -> bytes:
        async with served(tmp_path, server, longest) as path:
            reader, writer = await say(path, head % length + b"x" * length)
            found = await asyncio.wait_for(reader.readuntil(b"\r\n"), WAIT_S)
            writer.close()
            return found

    with answering(LongAnswers) as server:
        assert b" 200 " in asyncio.run(run(server, longest))
        assert b" 413 " in asyncio.run(run(server, longest + 1))


@pytest.mark.parametrize("more", [1, reading.MAX_BYTES])
def test_the_limit_that_is_told_is_that_of_the_address(tmp_path: Path, more: int) -> None:
    """Also of a body that is longer than what any address takes."""
    length = MAX_REQUEST_BYTES + more
    head = HEAD.replace(b"/v1/embeddings", b"/predictions/m/1.0") % length

    async def run() -> bytes:
        async with served(tmp_path, "http://127.0.0.1:9") as path:
            reader, writer = await say(path, head + b"x" * length)
            found = await asyncio.wait_for(reader.readuntil(b"}"), WAIT_S)
            writer.close()
            return found

    assert f"more than {MAX_REQUEST_BYTES}".encode() in asyncio.run(run())
