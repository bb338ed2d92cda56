"""Cohere's own package, whose base_url is a server's root or a model's own address."""

from importlib.metadata import version as installed
from typing import Any

import cohere

from tests.clients.call import Call
from tests.clients.place import QUERY, TEXTS, Place

CLIENT = "cohere"


def version() -> str:
    """Of the package."""
    return installed("cohere")


def _embed(place: Place, base_url: str, **options: Any) -> Any:
    answer = cohere.ClientV2("none", base_url=base_url, max_retries=0).embed(
        model=place.model, texts=TEXTS, input_type="search_document", embedding_types=["float"], **options
    )
    return answer.embeddings.float_


def _embed_v1(place: Place) -> Any:
    client = cohere.Client("none", base_url=place.url, max_retries=0)
    return client.embed(model=place.model, texts=TEXTS, input_type="search_document").embeddings


def _rerank(client: Any, place: Place, **options: Any) -> list[tuple[int, float]]:
    """(index, score), best first."""
    answer = client.rerank(model=place.model, query=QUERY, documents=TEXTS, **options)
    return [(each.index, each.relevance_score) for each in answer.results]


def _native_ranking(place: Place, **parameters: Any) -> list[tuple[int, float]]:
    ranked = place.native({"query": QUERY, "texts": TEXTS}, parameters)
    return [(each["index"], each["score"]) for each in ranked]


def _v1(place: Place) -> Any:
    return cohere.Client("none", base_url=place.url, max_retries=0)


def _v2(place: Place, base_url: str = "") -> Any:
    return cohere.ClientV2("none", base_url=base_url or place.url, max_retries=0)


CALLS = [
    Call(
        name="ClientV2.embed, base_url=URL",
        ask=lambda place: _embed(place, place.url),
        expected=lambda place: place.native(TEXTS),
    ),
    Call(
        name="ClientV2.embed, base_url=URL/predictions/MODEL/VERSION",
        ask=lambda place: _embed(place, place.own()),
        expected=lambda place: place.native(TEXTS),
    ),
    Call(
        name="ClientV2.embed, output_dimension=64",
        ask=lambda place: _embed(place, place.url, output_dimension=64),
        expected=lambda place: place.native(TEXTS, {"dimensions": 64}),
    ),
    Call(name="Client.embed (v1)", ask=_embed_v1, expected=lambda place: place.native(TEXTS)),
    Call(
        name="ClientV2.rerank",
        ask=lambda place: _rerank(_v2(place), place),
        expected=_native_ranking,
        at="ranker",
    ),
    Call(
        name="ClientV2.rerank, top_n=2, at URL/predictions/MODEL/VERSION",
        ask=lambda place: _rerank(_v2(place, place.own()), place, top_n=2),
        expected=lambda place: _native_ranking(place, top_k=2),
        at="ranker",
    ),
    Call(
        name="Client.rerank (v1)",
        ask=lambda place: _rerank(_v1(place), place),
        expected=_native_ranking,
        at="ranker",
    ),
    Call(
        name="ClientV2.rerank of a model that embeds",
        ask=lambda place: _rerank(_v2(place), place),
        refused="text-ranking",
    ),
]
