"""Types of what the doors of other protocols answer, for docs/openapi.json; tests hold the doors to these."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta


class OpenAIEmbedding(msgspec.Struct, kw_only=True):
    """A vector, by its place in the input."""

    object: str
    index: int
    embedding: Annotated[
        str | list[float], Meta(description="numbers, or little-endian float32 in base64 if that was asked for")
    ]
    vectors: Annotated[dict[str, Any] | msgspec.UnsetType, Meta(description="those of other kinds")] = msgspec.UNSET


class WordWeight(msgspec.Struct, kw_only=True):
    """A word of a sparse vector."""

    index: int
    value: float


class OpenAIUsage(msgspec.Struct, kw_only=True):
    """How many tokens the model read, special tokens included."""

    prompt_tokens: int
    total_tokens: int


Truncated = Annotated[
    list[int], Meta(description="places of the inputs of which something was cut; absent where nothing was")
]


class OpenAIEmbeddings(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The vectors, in the order of the input."""

    object: str
    data: list[OpenAIEmbedding]
    model: str
    usage: OpenAIUsage
    truncated: Truncated = []


class CompletionUsage(OpenAIUsage, kw_only=True):
    """How many tokens the model read; it writes none."""

    completion_tokens: int


class Completion(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What vLLM says besides of every request."""

    id: str
    object: str
    created: int
    model: str
    usage: CompletionUsage
    truncated: Truncated = []


class Classified(msgspec.Struct, kw_only=True):
    """A text's best label, and the probabilities of all in the order of the checkpoint's."""

    index: int
    label: str
    probs: list[float]
    num_classes: int


class Classifications(Completion, kw_only=True):
    """vLLM's answer to classify."""

    data: list[Classified]


class Scored(msgspec.Struct, kw_only=True):
    """How well a text fits, by its place in the request."""

    index: int
    object: str
    score: float


class Scores(Completion, kw_only=True):
    """vLLM's answer to score."""

    data: list[Scored]


class Pooled(msgspec.Struct, kw_only=True):
    """What was made of a text, by its place in the input."""

    index: int
    object: str
    data: Annotated[
        str | list[float | list[float]],
        Meta(description="a vector, one for each token, or the bytes of all as little-endian float32 in base64"),
    ]


class Poolings(Completion, kw_only=True):
    """vLLM's answer to pooling."""

    data: list[Pooled]


class Ranked(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A document, by its place in the request; itself if that was asked."""

    index: int
    relevance_score: float
    document: dict[str, Any] = {}


class Rankings(msgspec.Struct, kw_only=True):
    """The documents, best first."""

    id: str
    model: str
    results: list[Ranked]
    meta: dict[str, Any]
    usage: OpenAIUsage


class Embedded(msgspec.Struct, kw_only=True):
    """The vectors by their type, in the order of the texts."""

    id: str
    texts: list[str]
    embeddings: list[list[float]] | dict[str, Any]
    meta: dict[str, Any]
    response_type: str


class TextRank(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A text, by its place in the request; itself if that was asked."""

    index: int
    score: float
    text: str = ""


class TextToken(msgspec.Struct, kw_only=True):
    """A token, and the characters of its text at which it begins and ends; a special one has none."""

    id: int
    text: str
    special: bool
    start: int | None
    stop: int | None


class Info(msgspec.Struct, kw_only=True):
    """What runs here, in TEI's words."""

    model_id: str
    model_sha: str | None
    model_dtype: str
    model_type: dict[str, Any]
    max_input_length: int
    max_batch_tokens: int
    max_client_batch_size: int
    auto_truncate: bool
    version: str
