"""LlamaIndex' two embeddings that take an address."""

from importlib.metadata import version as installed
from typing import Any

from llama_index.embeddings.openai_like import OpenAILikeEmbedding
from llama_index.embeddings.text_embeddings_inference import TextEmbeddingsInference

from tests.clients.call import Call
from tests.clients.place import TEXTS, Place

CLIENT = "llama-index"
MANY = [f"Node {number} of an index." for number in range(100)]


def version() -> str:
    """Of the core."""
    return installed("llama-index-core")


def _tei(place: Place, base_url: str, **options: Any) -> TextEmbeddingsInference:
    return TextEmbeddingsInference(model_name=place.model, base_url=base_url, **options)


def _like(place: Place) -> OpenAILikeEmbedding:
    return OpenAILikeEmbedding(model_name=place.model, api_base=place.openai, api_key="none", max_retries=0)


CALLS = [
    Call(
        name="OpenAILikeEmbedding, 100 texts in batches of 10",
        ask=lambda place: _like(place).get_text_embedding_batch(MANY),
        expected=lambda place: place.native(MANY),
    ),
    Call(
        name="TextEmbeddingsInference(base_url=URL), 100 texts in batches of 10",
        ask=lambda place: _tei(place, place.url).get_text_embedding_batch(MANY),
        expected=lambda place: place.native(MANY),
    ),
    Call(
        name="TextEmbeddingsInference(base_url=URL/predictions/MODEL/VERSION)",
        ask=lambda place: _tei(place, place.own(), embed_batch_size=100).get_text_embedding_batch(MANY),
        expected=lambda place: place.native(MANY),
    ),
    Call(
        name="TextEmbeddingsInference, get_query_embedding",
        ask=lambda place: _tei(place, place.url, query_instruction="").get_query_embedding(TEXTS[0]),
        expected=lambda place: place.native(TEXTS[0]),
    ),
]
