"""Asks the models' server, TorchServe, through the front's socket or at its own address."""

import asyncio
import io
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Self

import aiohttp
from yarl import URL

from .error_answer import no_answer, too_late
from .terms import Terms

UNIX = "unix:"
CONNECT_S = 5.0
MAX_AT_ONCE_BYTES = 2**20  # aiohttp writes a longer body in pieces, so that others get their turns
# Those that a client library would add: the answer is read as it is, and passed on or read here.
NOT_ADDED = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the server answered."""

    status: int
    headers: Mapping[str, str]
    """By name in any case."""
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One address of the server, with kept connections to it."""

    session: aiohttp.ClientSession
    base: URL

    async def send(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Send one request; aiohttp.ClientError when nobody answers."""
        url = self.base.join(URL(path))
        data = io.BytesIO(body) if len(body) > MAX_AT_ONCE_BYTES else body or None
        async with self.session.request(method, url, headers=headers, data=data) as answer:
            return Answer(status=answer.status, headers=answer.headers, body=await answer.read())


class ModelServer:
    """A server that is asked over kept connections, as many as there are requests: the front has the queue."""

    def __init__(self, ways: Sequence[Way]) -> None:
        self._ways = ways

    @classmethod
    @asynccontextmanager
    async def connected(cls, *addresses: str) -> AsyncIterator[Self]:
        """Prepare to ask unix:/PATH or http://HOST:PORT, the first that can be connected to; nothing is yet."""
        async with AsyncExitStack() as held:
            yield cls([await held.enter_async_context(_way(address)) for address in addresses])

    async def ask(
        self, method: str, path: str, terms: Terms, *, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> Answer:
        """Send one request; ErrorAnswer when nobody answers, or not in time. A cancelled one is hung up."""
        sent = {**terms.headers, **(headers or {})}
        try:
            async with asyncio.timeout_at(terms.deadline_s):
                return await self._send(method, path, sent, body)
        except aiohttp.ClientError as error:
            raise no_answer() from error
        except TimeoutError as error:
            raise too_late() from error

    async def _send(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        *others, last = self._ways
        for way in others:
            with suppress(aiohttp.ClientConnectorError):  # nothing was sent
                return await way.send(method, path, headers, body)
        return await last.send(method, path, headers, body)


@asynccontextmanager
async def _way(address: str) -> AsyncIterator[Way]:
    is_unix = address.startswith(UNIX)
    connector = aiohttp.UnixConnector(address.removeprefix(UNIX), limit=0) if is_unix else aiohttp.TCPConnector(limit=0)
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S)
    async with aiohttp.ClientSession(
        connector=connector, timeout=timeout, auto_decompress=False, skip_auto_headers=NOT_ADDED
    ) as session:
        yield Way(session=session, base=URL("http://localhost" if is_unix else address))
