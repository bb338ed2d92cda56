"""Nobody names the model: the only one is asked, several are listed, and what cannot be known is said."""

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from berth.clients.async_client import AsyncRestClient
from berth.clients.management import ManagementClient
from berth.clients.rest_client import RestClient
from berth.errors import ServerUnreachable, UsageError
from tests.support.http_standin import JsonHandler, answering


class Inference(JsonHandler):
    """Says which path was asked."""

    def do_POST(self) -> None:  # noqa: N802 - the base class's name
        inputs = json.loads(self.rfile.read(int(self.headers["content-length"])))["inputs"]
        self.answer(200, [{"path": self.path}] * len(inputs))

    def do_GET(self) -> None:  # noqa: N802
        self.answer(200, {"status": "Healthy"})


@contextmanager
def serving(*names: str) -> Iterator[tuple[str, str, list[str]]]:
    """The inference and management address of a server with these models, and what the second was asked."""
    asked: list[str] = []

    class Management(JsonHandler):
        def do_GET(self) -> None:  # noqa: N802 - the base class's name
            asked.append(self.path)
            self.answer(200, {"models": [{"modelName": name, "modelUrl": "x"} for name in names]})

        def do_PUT(self) -> None:  # noqa: N802
            asked.append(self.path)
            self.answer(202, {"status": "Processing worker updates..."})

    with answering(Inference) as inference, answering(Management) as management:
        yield inference, management, asked


Predict = Callable[[str], list[Any]]


def by_rest(url: str) -> list[Any]:
    with RestClient(url) as client:
        return [*client.predict(["x"]), *client.predict(["y"])]


def by_async(url: str) -> list[Any]:
    async def ask() -> list[Any]:
        async with AsyncRestClient(url) as client:
            return [*await client.predict(["x"]), *await client.predict(["y"])]

    return asyncio.run(ask())


@pytest.mark.parametrize("predict", [by_rest, by_async])
def test_the_only_model_is_asked_for_once(predict: Predict, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving("a/b") as (inference, management, asked):
        monkeypatch.setenv("TS_MANAGEMENT_ADDRESS", management)
        assert predict(inference) == [{"path": "/predictions/a%2Fb"}] * 2
        assert asked == ["/models"]


def test_a_model_that_is_named_costs_no_request(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving("a", "b") as (inference, management, asked), RestClient(inference) as client:
        monkeypatch.setenv("TS_MANAGEMENT_ADDRESS", management)
        assert client.predict(["x"], model="b") == [{"path": "/predictions/b"}]
        assert client.explain(["x"], model="a") == [{"path": "/explanations/a"}]
        assert asked == []


@pytest.mark.parametrize(("names", "words"), [(["a", "b"], "2 models, a, b"), ([], "0 models, none")])
def test_several_are_listed(names: list[str], words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(*names) as (inference, management, _), ManagementClient(management) as client:
        monkeypatch.setenv("TS_MANAGEMENT_ADDRESS", management)
        with pytest.raises(UsageError, match=f"{inference} has {words}: name one of them"):
            by_rest(inference)
        with pytest.raises(UsageError, match=f"{management} has {words}: name one of them"):
            client.describe()


def test_the_management_client_scales_the_only_model() -> None:
    with serving("a") as (_, management, asked), ManagementClient(management) as client:
        client.scale(workers=2)
        assert asked == ["/models", "/models/a?min_worker=2&max_worker=2"]


def test_a_server_that_does_not_say_is_told_from_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TS_MANAGEMENT_ADDRESS", "http://127.0.0.1:9")
    with pytest.raises(ServerUnreachable, match=r"no server answers at http://127.0.0.1:10: start one"):
        by_rest("http://127.0.0.1:10")
    with ExitStack() as stack:
        inference, _, _ = stack.enter_context(serving("a"))
        with pytest.raises(UsageError, match=r"^name a model, .*: http://127.0.0.1:9, its management .* TS_MANAGEMENT"):
            by_rest(inference)
