"""Haystack's embedders and rankers for OpenAI's, TEI's and Cohere's protocols."""

from importlib.metadata import version as installed
from typing import Any

from haystack import Document
from haystack.components.embedders import OpenAIDocumentEmbedder, OpenAITextEmbedder
from haystack.utils import Secret
from haystack_integrations.components.embedders.cohere import CohereDocumentEmbedder
from haystack_integrations.components.embedders.huggingface_api import (
    HuggingFaceAPIDocumentEmbedder,
    HuggingFaceAPITextEmbedder,
)
from haystack_integrations.components.rankers.cohere import CohereRanker
from haystack_integrations.components.rankers.huggingface_api import HuggingFaceTEIRanker

from tests.clients.call import Call
from tests.clients.place import QUERY, TEXTS, Place

CLIENT = "haystack"
KEY = Secret.from_token("none")
TEI = "text_embeddings_inference"


def version() -> str:
    """Of the core."""
    return installed("haystack-ai")


def _tei_text(place: Place) -> Any:
    return HuggingFaceAPITextEmbedder(TEI, {"url": f"{place.url}/hf"}, token=KEY).run(TEXTS[0])["embedding"]


def _documents(embedder: Any, texts: list[str] = TEXTS) -> list[Any]:
    return [found.embedding for found in embedder.run([Document(content=text) for text in texts])["documents"]]


def _ranked(ranker: Any, place: Place) -> list[Any]:
    """Each document's score, in the order of the texts."""
    found = ranker.run(query=QUERY, documents=[Document(content=text) for text in TEXTS])["documents"]
    assert [each.score for each in found] == sorted((each.score for each in found), reverse=True)
    return [next(each.score for each in found if each.content == text) for text in TEXTS]


CALLS = [
    Call(
        name="OpenAITextEmbedder",
        ask=lambda place: OpenAITextEmbedder(KEY, place.model, api_base_url=place.openai).run(TEXTS[0])["embedding"],
        expected=lambda place: place.native(TEXTS[0]),
    ),
    Call(
        name="OpenAIDocumentEmbedder",
        ask=lambda place: _documents(OpenAIDocumentEmbedder(KEY, place.model, api_base_url=place.openai)),
        expected=lambda place: place.native(TEXTS),
    ),
    Call(
        name="HuggingFaceAPITextEmbedder, TEI at URL/hf",
        ask=_tei_text,
        expected=lambda place: place.native(TEXTS[0]),
    ),
    Call(
        name="HuggingFaceAPIDocumentEmbedder, TEI at URL/predictions/MODEL/VERSION/hf",
        ask=lambda place: _documents(HuggingFaceAPIDocumentEmbedder(TEI, {"url": f"{place.own()}/hf"}, token=KEY)),
        expected=lambda place: place.native(TEXTS),
    ),
    Call(
        name="CohereDocumentEmbedder",
        ask=lambda place: _documents(CohereDocumentEmbedder(KEY, place.model, api_base_url=place.url)),
        expected=lambda place: place.native(TEXTS),
    ),
    Call(
        name="HuggingFaceTEIRanker",
        ask=lambda place: _ranked(HuggingFaceTEIRanker(url=place.url, token=KEY), place),
        expected=lambda place: place.scores(TEXTS),
        at="ranker",
    ),
    Call(
        name="CohereRanker",
        ask=lambda place: _ranked(CohereRanker(place.model, api_key=KEY, api_base_url=place.url), place),
        expected=lambda place: place.scores(TEXTS),
        at="ranker",
    ),
]
