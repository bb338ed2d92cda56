"""Asks the models' server, TorchServe, through the front's socket or at its own address."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Self

import aiohttp
from yarl import URL

from .refusal import no_answer, too_late
from .terms import Terms

UNIX = "unix:"
CONNECT_S = 5.0
# Those that a client library would add: the answer is read as it is, and passed on or read here.
NOT_ADDED = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the server answered."""

    status: int
    headers: Mapping[str, str]
    """By name in any case."""
    body: bytes


class ModelServer:
    """A server that is asked over kept connections, as many as there are requests: the front has the queue."""

    def __init__(self, session: aiohttp.ClientSession, base: URL) -> None:
        self._session = session
        self._base = base

    @classmethod
    @asynccontextmanager
    async def connected(cls, address: str) -> AsyncIterator[Self]:
        """Prepare to ask unix:/PATH or http://HOST:PORT; nothing is connected yet."""
        is_unix = address.startswith(UNIX)
        connector = (
            aiohttp.UnixConnector(address.removeprefix(UNIX), limit=0) if is_unix else aiohttp.TCPConnector(limit=0)
        )
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S)
        async with aiohttp.ClientSession(
            connector=connector, timeout=timeout, auto_decompress=False, skip_auto_headers=NOT_ADDED
        ) as session:
            yield cls(session, URL("http://localhost" if is_unix else address))

    async def ask(
        self, method: str, path: str, terms: Terms, *, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> Answer:
        """Send one request; Refusal when nobody answers, or not in time. A cancelled one is hung up."""
        sent = {**terms.headers, **(headers or {})}
        try:
            async with (
                asyncio.timeout_at(terms.deadline_s),
                self._session.request(method, self._base.join(URL(path)), headers=sent, data=body or None) as answer,
            ):
                return Answer(status=answer.status, headers=answer.headers, body=await answer.read())
        except aiohttp.ClientError as error:
            raise no_answer() from error
        except TimeoutError as error:
            raise too_late() from error
