"""OpenAI's own package, at the root of a server and at a model's own address."""

import asyncio
from importlib.metadata import version as installed
from typing import Any

from openai import AsyncOpenAI, DefaultHttpxClient, OpenAI

from tests.clients.call import Call
from tests.clients.place import TEXTS, Place

CLIENT = "openai (Python)"
MOST = [f"text {number}" for number in range(2048)]  # what OpenAI takes in one request


def version() -> str:
    """Of the package."""
    return installed("openai")


def _embed(base_url: str, model: str, texts: list[str], **options: Any) -> list[list[float]]:
    with (
        DefaultHttpxClient(trust_env=False) as http,
        OpenAI(base_url=base_url, api_key="none", max_retries=0, http_client=http) as client,
    ):
        answer = client.embeddings.create(model=model, input=texts, **options)
        assert [each.index for each in answer.data] == list(range(len(texts)))
        return [each.embedding for each in answer.data]


def _embed_async(place: Place) -> list[list[float]]:
    async def ask() -> list[list[float]]:
        async with AsyncOpenAI(base_url=place.openai, api_key="none", max_retries=0) as client:
            answer = await client.embeddings.create(model=place.model, input=TEXTS)
            return [each.embedding for each in answer.data]

    return asyncio.run(ask())


def _models(place: Place) -> list[str]:
    with OpenAI(base_url=place.openai, api_key="none", max_retries=0) as client:
        return sorted(model.id for model in client.models.list())


def _vectors(place: Place) -> Any:
    return place.native(TEXTS, model=EMBEDDER if EMBEDDER in place.models else None)


EMBEDDER = "embeddings"
CALLS = [
    Call(
        name="embeddings.create, base_url=URL/v1",
        ask=lambda place: _embed(place.openai, place.model, TEXTS),
        expected=_vectors,
    ),
    Call(
        name="the same with encoding_format=float, dimensions=64",
        ask=lambda place: _embed(place.openai, place.model, TEXTS, encoding_format="float", dimensions=64),
        expected=lambda place: place.native(TEXTS, {"dimensions": 64}),
    ),
    Call(
        name="base_url=URL/predictions/MODEL/VERSION/v1",
        ask=lambda place: _embed(f"{place.own()}/v1", place.model, TEXTS),
        expected=_vectors,
    ),
    Call(name="AsyncOpenAI", ask=_embed_async, expected=_vectors),
    Call(
        name="2,048 inputs in one request",
        ask=lambda place: _embed(place.openai, place.model, MOST),
        expected=lambda place: place.natives(MOST),
    ),
    Call(
        name="no input",
        ask=lambda place: _embed(place.openai, place.model, []),
        refused="input",
    ),
    Call(name="models.list", ask=_models, expected=lambda place: sorted(place.models)),
    Call(
        name="several models: model names one",
        ask=lambda place: _embed(place.openai, EMBEDDER, TEXTS),
        expected=_vectors,
        at="all",
    ),
    Call(name="several models: models.list", ask=_models, expected=lambda place: sorted(place.models), at="all"),
    Call(
        name="several models: model names none of them",
        ask=lambda place: _embed(place.openai, "gpt-5", TEXTS),
        refused="gpt-5.*embeddings",
        at="all",
    ),
]
