"""What the doors answer, as types, for docs/openapi.json. The handler makes plain values; tests hold them to these."""

from typing import Annotated

import msgspec
from msgspec import Meta


class Attribution(msgspec.Struct, kw_only=True):
    """A token's share of the score."""

    token: str
    input: str
    start: int
    end: int
    attribution: float


class Explanation(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Of a label, or of an answer, which has a place in the context."""

    score: float
    baseline_score: float
    convergence_delta: float
    tokens: list[Attribution]
    label: str = ""
    answer: str = ""
    start: int = 0
    end: int = 0


class Health(msgspec.Struct, kw_only=True):
    """The deep check's answer."""

    status: str
    model: str
    version: str
    max_difference: float


class Error(msgspec.Struct, kw_only=True):
    """What was wrong, where, and what to do; TorchServe's own errors have no param."""

    code: int
    type: str
    message: str
    param: Annotated[str | None, Meta(description="JSON pointer into the request's body")] = None


class KServeError(Error, kw_only=True):
    """The same, and the message once more for clients of KServe. TorchServe's own have no `error`."""

    error: str = ""


class OpenAIError(msgspec.Struct, kw_only=True):
    """The same, inside `error`."""

    error: Error


class OpenAIEmbedding(msgspec.Struct, kw_only=True):
    """A vector."""

    object: str
    index: int
    embedding: Annotated[
        str | list[float], Meta(description="numbers, or the base64 of little-endian float32 if that was asked for")
    ]


class OpenAIUsage(msgspec.Struct, kw_only=True):
    """Tokens that the model read, special ones included."""

    prompt_tokens: int
    total_tokens: int


class OpenAIEmbeddings(msgspec.Struct, kw_only=True):
    """Vectors in the order of the input."""

    object: str
    data: list[OpenAIEmbedding]
    model: str
    usage: OpenAIUsage


class OutputTensor(msgspec.Struct, kw_only=True):
    """`embeddings`, FP32 [n, dimensions]; for other tasks `predictions`, BYTES [n], each the JSON of a result."""

    name: str
    datatype: str
    shape: list[int]
    data: list[float | str]


class InferAnswer(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The Open Inference protocol's answer; id is there if the request had one."""

    model_name: str
    model_version: str
    outputs: list[OutputTensor]
    id: str = ""
