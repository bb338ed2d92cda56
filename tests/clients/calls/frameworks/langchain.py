"""LangChain's two: for OpenAI's protocol and for huggingface_hub's."""

import os
from importlib.metadata import distribution
from importlib.metadata import version as installed
from typing import Any

from huggingface_hub import InferenceClient
from langchain_huggingface import HuggingFaceEndpointEmbeddings
from langchain_openai import OpenAIEmbeddings

from tests.clients.call import Call
from tests.clients.place import NO_KEY, TEXTS, Place

CACHE = "llama_index/core/_static/tiktoken_cache"
# What tiktoken would download: another package has it.
os.environ.setdefault("TIKTOKEN_CACHE_DIR", str(distribution("llama-index-core").locate_file(CACHE)))
CLIENT = "langchain-openai, -huggingface"
DOCUMENTS = [f"Document {number} is about the number {number}." for number in range(600)]
A_REPO = "any/name"


def version() -> str:
    """Of both packages."""
    return f"{installed('langchain-openai')}, {installed('langchain-huggingface')}"


def _openai(place: Place, **options: Any) -> OpenAIEmbeddings:
    return OpenAIEmbeddings(base_url=place.openai, model=place.model, api_key="none", max_retries=0, **options)


def _hub(place: Place) -> HuggingFaceEndpointEmbeddings:
    """Its own way to a server is closed (the row above this one); its client is exchanged."""
    embeddings = HuggingFaceEndpointEmbeddings(model=A_REPO, huggingfacehub_api_token=NO_KEY)
    embeddings.client = InferenceClient(f"{place.url}/hf", token=NO_KEY)
    return embeddings


CALLS = [
    Call(
        name="OpenAIEmbeddings with its defaults, which send tiktoken's ids",
        ask=lambda place: _openai(place).embed_documents(TEXTS),
        refused="check_embedding_ctx_length=False",
    ),
    Call(
        name="OpenAIEmbeddings(check_embedding_ctx_length=False), 600 documents",
        ask=lambda place: _openai(place, check_embedding_ctx_length=False).embed_documents(DOCUMENTS),
        expected=lambda place: place.natives(DOCUMENTS),
    ),
    Call(
        name="the same, embed_query",
        ask=lambda place: _openai(place, check_embedding_ctx_length=False).embed_query(TEXTS[0]),
        expected=lambda place: place.native(TEXTS[0]),
    ),
    Call(
        name="the same, chunk_size=100, 600 documents",
        ask=lambda place: _openai(place, check_embedding_ctx_length=False, chunk_size=100).embed_documents(DOCUMENTS),
        expected=lambda place: place.natives(DOCUMENTS),
    ),
    Call(
        name="HuggingFaceEndpointEmbeddings(model=URL), which the package itself refuses",
        ask=lambda place: HuggingFaceEndpointEmbeddings(model=place.url, huggingfacehub_api_token=NO_KEY),
        refused="must be a HuggingFace repo ID, not a URL",
    ),
    Call(
        name="HuggingFaceEndpointEmbeddings with client = InferenceClient(URL/hf)",
        ask=lambda place: _hub(place).embed_documents(TEXTS),
        expected=lambda place: place.native(TEXTS),
    ),
]
