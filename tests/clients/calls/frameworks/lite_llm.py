"""LiteLLM, as a library: embeddings and rerankings by the providers that take an address."""

from collections.abc import Callable
from importlib.metadata import version as installed
from typing import Any

import litellm

from tests.clients.call import Call
from tests.clients.place import QUERY, TEXTS, Place

CLIENT = "litellm"
litellm.suppress_debug_info = True


def version() -> str:
    """Of the package."""
    return installed("litellm")


def _embed(provider: str, base: Callable[[Place], str], **options: Any) -> Callable[[Place], list[Any]]:
    def ask(place: Place) -> list[Any]:
        answer = litellm.embedding(
            model=f"{provider}/{place.model}", input=TEXTS, api_base=base(place), api_key="none", **options
        )
        return [each["embedding"] for each in answer.data]

    return ask


def _rerank(provider: str, base: Callable[[Place], str], **options: Any) -> Callable[[Place], list[Any]]:
    """Each text's score, in the order of the texts."""

    def ask(place: Place) -> list[Any]:
        answer = litellm.rerank(
            model=f"{provider}/{place.model}",
            query=QUERY,
            documents=TEXTS,
            api_base=base(place),
            api_key="none",
            **options,
        )
        return [each["relevance_score"] for each in sorted(answer.results or [], key=lambda each: each["index"])]

    return ask


def _embeds(name: str, provider: str, base: Callable[[Place], str], **options: Any) -> Call:
    ask = _embed(provider, base, **options)
    return Call(name=f"embedding, {name}", ask=ask, expected=lambda place: place.native(TEXTS))


def _reranks(name: str, provider: str, base: Callable[[Place], str] = lambda place: place.url, **options: Any) -> Call:
    ask = _rerank(provider, base, **options)
    return Call(name=f"rerank, {name}", ask=ask, expected=lambda place: place.scores(TEXTS), at="ranker")


CALLS = [
    _embeds("openai/MODEL, api_base=URL/v1", "openai", lambda place: place.openai),
    _embeds("hosted_vllm/MODEL, api_base=URL/v1", "hosted_vllm", lambda place: place.openai),
    _embeds("infinity/MODEL, api_base=URL/v1", "infinity", lambda place: place.openai),
    _embeds("jina_ai/MODEL, api_base=URL/v1", "jina_ai", lambda place: place.openai),
    _embeds(
        "huggingface/MODEL, api_base=URL/embed, input_type='feature-extraction'",
        "huggingface",
        lambda place: f"{place.url}/embed",
        input_type="feature-extraction",
    ),
    _embeds("cohere/MODEL, api_base=URL/v2/embed", "cohere", lambda place: f"{place.url}/v2/embed"),
    _reranks("cohere/MODEL, api_base=URL", "cohere"),
    _reranks("jina_ai/MODEL, api_base=URL/v1", "jina_ai", lambda place: place.openai),
    _reranks("infinity/MODEL, api_base=URL, return_documents=False", "infinity", return_documents=False),
    Call(
        name="the same with documents, in a form that differs from Jina's and vLLM's at the same address",
        ask=_rerank("infinity", lambda place: place.url),
        refused="should be a valid string",
        at="ranker",
    ),
    _reranks("huggingface/MODEL, api_base=URL", "huggingface"),
    _reranks("hosted_vllm/MODEL, api_base=URL", "hosted_vllm"),
]
