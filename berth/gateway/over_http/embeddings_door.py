"""OpenAI's embeddings at the root: up to 2,048 inputs, asked of the model in parts and answered as one."""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from aiohttp import web

from ..error_answer import ErrorAnswer, not_the_protocol
from ..model_server import Answer, ModelServer
from ..settings import GatewaySettings
from ..terms import Terms, read_terms
from .embeddings import Part, join, join_truncated, shift_error, split
from .reading import content_type, read_body
from .root_paths import EMBEDDINGS, model_path
from .writing import pass_back, send

PARTS_AT_ONCE = 4  # of one request: two batches of 512 texts, and no other client waits for more
LARGE_AT_ONCE = 4  # requests; each holds its answers until they are joined: 25 MB of JSON for 1024 numbers an input
LARGE_BYTES = 2**16
PATIENCE_S = 30.0
OK, TOO_LARGE = 200, 413
COUNT, TRUNCATED = "x-compute-tokens", "x-truncated"


class PartFailed(Exception):
    """One part's error, which is the whole request's."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


class EmbeddingsDoor:
    """Splits, asks and joins."""

    def __init__(self, settings: GatewaySettings, server: ModelServer) -> None:
        self._settings = settings
        self._server = server
        self._slots = asyncio.Semaphore(LARGE_AT_ONCE)

    def routes(self) -> list[web.RouteDef]:
        """The only address."""
        return [web.post(f"/{EMBEDDINGS}", self.embed)]

    async def embed(self, request: web.Request) -> web.StreamResponse:
        """Answer one request. A large one is read, and its answer sent, while it has one of few slots."""
        terms = read_terms(request.headers)
        async with AsyncExitStack() as held:
            is_large = _may_be_large(request)
            if is_large:
                await held.enter_async_context(self._slot(terms))
            body = await read_body(request)
            path = model_path(self._settings, body, request.path)
            parts = split(body, self._settings.max_request_bytes)
            if len(parts) > 1 and not is_large:
                await held.enter_async_context(self._slot(terms))
            response, pieces = await _answer(_Asking(self._server, path, terms, content_type(request)), parts)
            await send(request, response, pieces)
            return response

    @asynccontextmanager
    async def _slot(self, terms: Terms) -> AsyncIterator[None]:
        patience_s = min(time.monotonic() + PATIENCE_S, terms.deadline_s or math.inf)
        try:
            async with asyncio.timeout_at(patience_s):
                await self._slots.acquire()
        except TimeoutError:
            message = f"{LARGE_AT_ONCE} large requests are answered at once, and others wait: send it again later"
            raise ErrorAnswer(503, "Overloaded", message) from None
        try:
            yield
        finally:
            self._slots.release()


async def _answer(asking: "_Asking", parts: Sequence[Part]) -> tuple[web.StreamResponse, list[bytes]]:
    """The response, and its body in pieces where it has several."""
    try:
        answers = await asking.ask_all(parts)
    except PartFailed as error:
        return pass_back(error.answer), []
    return (pass_back(answers[0][1]), []) if len(answers) == 1 else _join(answers)


def _may_be_large(request: web.Request) -> bool:
    """Whether a body's size is not known to be small before it is read."""
    size_bytes = request.content_length
    return size_bytes is None or size_bytes > LARGE_BYTES or "content-encoding" in request.headers


class _Asking:
    """One client's request, as its parts are asked."""

    def __init__(self, server: ModelServer, path: str, terms: Terms, headers: dict[str, str]) -> None:
        self._server = server
        self._path = path
        self._terms = terms
        self._headers = headers
        self._turns = asyncio.Semaphore(PARTS_AT_ONCE)

    async def ask_all(self, parts: Sequence[Part]) -> list[tuple[Part, Answer]]:
        """The answers to these parts in order; PartFailed with the first error, after which nothing more is asked."""
        answers = await _all_of([self._ask(part) for part in parts])
        return [each for several in answers for each in several]

    async def _ask(self, part: Part) -> list[tuple[Part, Answer]]:
        """One part's answer, or those of its halves where it has more tokens or a longer answer than one may have."""
        async with self._turns:
            answer = await self._server.ask("POST", self._path, self._terms, headers=self._headers, body=part.body)
        if answer.status == TOO_LARGE and len(part.items) > 1:
            return await self.ask_all(part.halves())
        if answer.status != OK:
            raise PartFailed(_shift(answer, part.first))
        return [(part, answer)]


async def _all_of(calls: Sequence[Coroutine[Any, Any, Any]]) -> list[Any]:
    """All results in order; the first error ends the rest."""
    tasks = [asyncio.create_task(call) for call in calls]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()


def _shift(answer: Answer, first: int) -> Answer:
    try:
        body = shift_error(answer.body, first)
    except ValueError:  # it is no JSON
        return answer
    return Answer(status=answer.status, headers=answer.headers, body=body)


def _join(answers: list[tuple[Part, Answer]]) -> tuple[web.StreamResponse, list[bytes]]:
    headers = {"content-type": "application/json"}
    headers[COUNT] = str(sum(int(answer.headers.get(COUNT, 0)) for _, answer in answers))
    if cut := join_truncated([(part, answer.headers.get(TRUNCATED)) for part, answer in answers]):
        headers[TRUNCATED] = cut
    bodies = [(part, answer.body) for part, answer in answers]
    answers.clear()
    try:
        pieces = join(bodies)
    except ValueError as error:  # msgspec's are its subclasses
        raise not_the_protocol() from error
    response = web.StreamResponse(headers=headers)
    response.content_length = sum(map(len, pieces))
    return response, pieces
