"""Types of what the doors answer, for docs/openapi.json. The handler makes plain values; tests hold them to these."""

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
    """How the tokens of an input made a label, or an answer with its place in the context."""

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
    engine: str
    precision: str
    token_budget: int
    max_difference: float


class Error(msgspec.Struct, kw_only=True):
    """What was wrong, where, and what to do; TorchServe's own errors have no param."""

    code: int
    type: str
    message: str
    param: Annotated[str | None, Meta(description="JSON pointer into the request's body")] = None


class KServeError(Error, kw_only=True):
    """An error with its message once more as `error`, for KServe's clients; TorchServe's own errors have no `error`."""

    error: str = ""


class OpenAIError(msgspec.Struct, kw_only=True):
    """An error inside `error`, as OpenAI's clients read it."""

    error: Error


class TEIError(msgspec.Struct, kw_only=True):
    """An error as TEI's clients read it."""

    error: str
    error_type: str


class CohereError(msgspec.Struct, kw_only=True):
    """An error as Cohere's and Jina's clients read it: twice the same."""

    message: str
    detail: str


class OutputTensor(msgspec.Struct, kw_only=True):
    """`embeddings`, FP32 [n, dimensions]; for other tasks `predictions`, BYTES [n], each a result as JSON."""

    name: str
    datatype: str
    shape: list[int]
    data: list[float | str]


class InferAnswer(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The Open Inference protocol's answer; `id` is there if the request had one."""

    model_name: str
    model_version: str
    outputs: list[OutputTensor]
    id: str = ""
