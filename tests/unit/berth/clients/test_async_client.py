"""The async client against a real HTTP server on this machine: many tasks at once, and a clean end."""

import asyncio
import json
import threading
from collections.abc import Iterator

import pytest

from berth.clients.async_client import AsyncRestClient
from berth.errors import RequestFailed, ServerUnreachable
from tests.support.http_standin import JsonHandler, answering

NUM_TASKS = 24
together = threading.Barrier(NUM_TASKS)


class Gathering(JsonHandler):
    """Answers when as many requests are there as there are tasks: asked one by one, it would never."""

    def do_POST(self) -> None:  # noqa: N802 - the base class's name
        inputs = json.loads(self.rfile.read(int(self.headers["content-length"])))["inputs"]
        if inputs == ["bad"]:
            self.answer(422, {"code": 422, "type": "InvalidInput", "message": "not this", "param": "/inputs/0"})
            return
        if self.path == "/predictions/together":
            together.wait(timeout=30)
        self.answer(200, [{"text": text} for text in inputs])


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with answering(Gathering) as address:
        yield address


def test_tasks_are_answered_at_once_and_each_its_own(url: str) -> None:
    async def ask_all() -> list[object]:
        async with AsyncRestClient(url) as client:
            return list(await asyncio.gather(*(client.predict([f"{n}"], model="together") for n in range(NUM_TASKS))))

    assert asyncio.run(ask_all()) == [[{"text": f"{n}"}] for n in range(NUM_TASKS)]


def test_one_error_leaves_the_others_alone(url: str) -> None:
    async def ask_all() -> list[object]:
        async with AsyncRestClient(url, max_requests=2) as client:
            asked = (client.predict([text], model="any") for text in ("a", "bad", "c"))
            return list(await asyncio.gather(*asked, return_exceptions=True))

    first, second, third = asyncio.run(ask_all())
    assert (first, third) == ([{"text": "a"}], [{"text": "c"}])
    assert isinstance(second, RequestFailed)


def test_errors_are_those_of_the_other_clients() -> None:
    async def ask() -> None:
        async with AsyncRestClient("http://127.0.0.1:9") as client:
            await client.explain(["x"], model="any")

    with pytest.raises(ServerUnreachable, match="berth serve"):
        asyncio.run(ask())


def test_it_leaves_no_thread(url: str) -> None:
    async def ask() -> None:
        async with AsyncRestClient(url) as client:
            await client.predict(["x"], model="any")

    asyncio.run(ask())
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("berth-client")]
