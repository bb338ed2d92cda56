"""What the doors answer, as types, for docs/openapi.json. The handler makes plain values; tests hold them to these."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from handler.config import Task


class Label(msgspec.Struct, kw_only=True):
    """A label and its score."""

    label: str
    score: float


class TokenLabel(msgspec.Struct, kw_only=True):
    """A token that is (part of) an entity."""

    entity: str
    score: float
    index: int
    word: str
    start: int
    end: int


class Entity(msgspec.Struct, kw_only=True):
    """An entity of one or more tokens."""

    entity_group: str
    score: float
    word: str
    start: int
    end: int


class Answer(msgspec.Struct, kw_only=True):
    """A span of the context."""

    score: float
    start: int
    end: int
    answer: str


class FilledMask(msgspec.Struct, kw_only=True):
    """A word for a mask."""

    score: float
    token: int
    token_str: str
    sequence: str


class RankedText(msgspec.Struct, kw_only=True):
    """One of the texts, by its place among them."""

    index: int
    score: float


class RankedLabels(msgspec.Struct, kw_only=True):
    """The candidate labels, best first."""

    sequence: str
    labels: list[str]
    scores: list[float]


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


# One input's result may take several forms, which msgspec cannot put into one union where they are lists.
TASK_RESULTS: dict[Task, tuple[Any, ...]] = {
    Task.EMBEDDINGS: (list[float],),
    Task.TEXT_CLASSIFICATION: (Label, list[Label]),
    Task.TOKEN_CLASSIFICATION: (list[TokenLabel], list[Entity]),
    Task.QUESTION_ANSWERING: (Answer, list[Answer]),
    Task.FILL_MASK: (list[FilledMask], list[list[FilledMask]]),
    Task.TEXT_RANKING: (list[RankedText],),
    Task.ZERO_SHOT_CLASSIFICATION: (RankedLabels,),
}
