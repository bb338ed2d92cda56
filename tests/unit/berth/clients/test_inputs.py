"""What cannot be sent is said before anything is, with its place, and the same by every client."""

import asyncio
from collections.abc import Callable
from types import MappingProxyType
from typing import Any

import pytest

from berth.clients.async_client import AsyncRestClient
from berth.clients.grpc_client import GrpcClient
from berth.clients.inputs import plain_inputs, plain_parameters
from berth.clients.rest_client import RestClient
from berth.errors import UsageError

NOWHERE = "http://127.0.0.1:9"  # nobody answers: whoever asked would be ServerUnreachable
CIRCLE: dict[str, object] = {}
CIRCLE["circle"] = CIRCLE
WRONG: list[tuple[object, str]] = [
    (None, r"{} is None: an input is a text, or an object"),
    (float("nan"), r"{} is float nan"),
    (5, r"{} is int 5"),
    (b"x", r"{} is bytes b'x'"),
    (["x"], r"{} is list \['x'\]"),
    ({}, r"{} is an object without keys"),
    ({"text": b"x"}, r"{}\['text'\] is bytes b'x', which cannot be written as JSON"),
    ({"texts": ["a", {"b": float("inf")}]}, r"{}\['texts'\]\[1\]\['b'\] is float inf"),
    ({5: "x"}, r"{} has the key 5, which is not a string"),
    ("half \ud83d", r"{} is not Unicode: its character 5 is '\\ud83d'"),
    ({"text": "\ude00"}, r"{}\['text'\] is not Unicode"),
    (CIRCLE, r"{}.* is nested too deeply"),
]


def ask_rest(source: Any) -> None:
    with RestClient(NOWHERE) as client:
        client.predict(["x", source])


def explain_rest(source: Any) -> None:
    with RestClient(NOWHERE) as client:
        client.explain(["x", source])


def ask_async(source: Any) -> None:
    async def ask() -> None:
        async with AsyncRestClient(NOWHERE) as client:
            await client.predict(["x", source])

    asyncio.run(ask())


@pytest.mark.parametrize("ask", [ask_rest, explain_rest, ask_async])
@pytest.mark.parametrize(("source", "words"), WRONG)
def test_a_wrong_input_of_several(ask: Callable[[Any], None], source: object, words: str) -> None:
    with pytest.raises(UsageError, match="^" + words.format(r"inputs\[1\]")):
        ask(source)


@pytest.mark.parametrize(("source", "words"), WRONG)
def test_a_wrong_input_over_grpc(source: Any, words: str) -> None:
    with GrpcClient("127.0.0.1:9") as client:
        for ask in (lambda: client.predict(source), lambda: next(client.stream(source))):
            with pytest.raises(UsageError, match="^" + words.format("the input")):
                ask()


@pytest.mark.parametrize(
    ("inputs", "words"),
    [("abc", "give a list"), (b"abc", "give a list"), ({"text": "x"}, "give a list"), (None, "is None"), ([], "empty")],
)
def test_a_list_is_wanted(inputs: object, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        plain_inputs(inputs)


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ([1], r"`parameters` is list \[1\]"),
        ({"threshold": float("nan")}, r"parameters\['threshold'\] is float nan, which cannot be written as JSON"),
        ({"top_k": {1, 2}}, r"parameters\['top_k'\] is set"),
    ],
)
def test_wrong_parameters_by_every_client(parameters: Any, words: str) -> None:
    with GrpcClient("127.0.0.1:9") as grpc, RestClient(NOWHERE) as rest:
        for ask in (lambda: rest.predict(["x"], parameters), lambda: grpc.predict("x", parameters)):
            with pytest.raises(UsageError, match=words):
                ask()


def test_what_can_be_sent_becomes_plain_values() -> None:
    source = MappingProxyType({"query": "é 😀", "texts": ("a", MappingProxyType({"b": None}))})
    assert plain_inputs(iter(["text", source])) == ["text", {"query": "é 😀", "texts": ["a", {"b": None}]}]
    assert plain_parameters(MappingProxyType({"top_k": 3, "flag": True, "x": 0.5})) == {
        "top_k": 3,
        "flag": True,
        "x": 0.5,
    }
    assert plain_parameters(None) is None
