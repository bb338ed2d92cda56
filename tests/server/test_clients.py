"""The clients and commands against a real server of one model, whose name nobody gives."""

import asyncio
import base64
import json
import subprocess
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest

from berth.clients.async_client import AsyncRestClient
from berth.clients.grpc_client import GrpcClient
from berth.clients.rest_client import RestClient
from berth.errors import TruncationWarning
from berth.tune.ports import port_variables
from tests.support.servers import BERTH, Server
from tests.support.texts import mixed_texts

pytestmark = pytest.mark.server

BASE64 = {"encoding_format": "base64"}
TOLERANCE = 1e-6  # the same engine, in batches of another size
LONG = "far too long " * 300


@pytest.fixture
def moved(sample_server: Server) -> Iterator[pytest.MonkeyPatch]:
    """The variables that moved the server's ports."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in port_variables(sample_server.ports).items():
            patch.setenv(name, value)
        yield patch


def berth(*arguments: str) -> Sequence[Any]:
    done = subprocess.run([BERTH, *arguments], capture_output=True, text=True, timeout=60, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_every_client_finds_the_server_and_its_only_model(moved: pytest.MonkeyPatch) -> None:
    texts = [text[:200] for text in mixed_texts(20)]  # nothing is cut
    with RestClient() as rest, GrpcClient() as grpc:
        expected: Any = rest.predict(texts, model="bert")
        np.testing.assert_allclose(np.array(rest.predict(texts)), expected, rtol=0, atol=TOLERANCE)
        over_grpc: Any = [grpc.predict(text) for text in texts]
        np.testing.assert_allclose(over_grpc, expected, rtol=0, atol=TOLERANCE)


def test_every_client_may_ask_for_base64(moved: pytest.MonkeyPatch) -> None:
    with RestClient() as rest, GrpcClient() as grpc:
        expected: Any = rest.predict(["a text"] * 2)
        coded = [*rest.predict(["a text"], BASE64), grpc.predict("a text", BASE64)]
    found: Any = [np.frombuffer(base64.b64decode(str(text)), "<f4") for text in coded]
    np.testing.assert_allclose(found, expected, rtol=0, atol=TOLERANCE)


def test_a_hundred_tasks_get_each_its_own_answer(moved: pytest.MonkeyPatch) -> None:
    texts = [f"{number} {text}"[:200] for number, text in enumerate(mixed_texts(100))]

    async def ask() -> Any:
        async with AsyncRestClient() as client:
            return await asyncio.gather(*(client.predict([text]) for text in texts))

    answers = [result for (result,) in asyncio.run(ask())]
    with RestClient() as rest:
        expected: Any = rest.predict(texts)
    np.testing.assert_allclose(answers, expected, rtol=0, atol=TOLERANCE)


def test_what_the_server_cut_is_named(moved: pytest.MonkeyPatch) -> None:
    texts = [LONG if index in (0, 17) else "short" for index in range(20)]
    with RestClient() as rest, pytest.warns(TruncationWarning, match=r"^inputs\[0\], inputs\[17\] were longer"):
        assert rest.predict(texts).truncated == [0, 17]


def test_commands_need_neither_address_nor_name(moved: pytest.MonkeyPatch, sample_server: Server) -> None:
    assert [model["name"] for model in berth("models")] == ["bert"]
    assert berth("describe")[0]["name"] == "bert"
    assert len(berth("predict", "hello world")[0]) == 384


def test_the_cache_is_not_taken_from_a_running_server(moved: pytest.MonkeyPatch, sample_server: Server) -> None:
    home = sample_server.temp.with_name("cache")
    moved.setenv("XDG_CACHE_HOME", str(home))
    (kept,) = berth("cache")
    assert (kept["model"], kept["is_held"]) == ("bert", True)
    assert berth("cache", "--clear") == []
    assert [str(path) for path in (home / "berth").iterdir()] == [kept["folder"]]


@pytest.mark.parametrize("variable", ["BERTH_URL", "--url"])
def test_the_launcher_leads_from_one_address_to_the_other(
    moved: pytest.MonkeyPatch, sample_server: Server, variable: str
) -> None:
    for name in ("INFERENCE", "MANAGEMENT"):
        moved.delenv(f"TS_{name}_ADDRESS")
    if variable == "BERTH_URL":
        moved.setenv(variable, sample_server.inference_url)
        assert [model["name"] for model in berth("models")] == ["bert"]
        assert len(berth("predict", "hello world")) == 1
    else:
        assert len(berth("predict", "hello world", variable, sample_server.inference_url)) == 1
