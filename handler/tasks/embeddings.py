"""embeddings: the pooled vector, as an array until it is written: a list of floats takes four times as much."""

from typing import Any

import numpy as np

from ..config import BYTES_PER_NUMBER, HandlerConfig, Task
from ..errors import InvalidParameter
from ..inputs import TextInput, TextObject
from ..parameters import Count, CutParameters
from ..text.passages import Layout, Passages, TextPair
from ..wire import quote
from .kind import Head, Reading, Reads, TaskKind, one_by_one
from .scores import Numbers

DECIMALS = 8  # float32 resolves 6e-8 at 1 and our own answers 1e-7; more decimals would double the bytes


class EmbeddingParameters(CutParameters, frozen=True, kw_only=True):
    """embeddings: sentence-transformers' names, and OpenAI's `dimensions`."""

    prompt_name: str | None = None
    """Which of the checkpoint's prompts goes before each text. Absent: its default, if it has one."""
    dimensions: Count | None = None
    """Keep that many values of each vector, and scale what is left to length 1. Absent: as many as the checkpoint
    says, not scaled."""


def plan(source: TextInput, parameters: EmbeddingParameters, config: HandlerConfig) -> Passages:
    """Read the text behind its prompt, or token ids as they are."""
    layout = Layout(max_tokens=config.max_tokens)
    if source.token_ids is None:
        return Passages(pairs=(TextPair(text=_prompt(parameters, config) + source.text),), layout=layout)
    if parameters.prompt_name is not None:
        raise InvalidParameter("prompt_name goes before texts, not before token ids", "/parameters/prompt_name")
    return Passages(pairs=(TextPair(text="", token_ids=source.token_ids),), layout=layout)


def _prompt(parameters: EmbeddingParameters, config: HandlerConfig) -> str:
    name = config.default_prompt if parameters.prompt_name is None else parameters.prompt_name
    if name is None:
        return ""
    if name not in config.prompts:
        known = f"this model has {', '.join(config.prompts)}" if config.prompts else "this model has none"
        raise InvalidParameter(f"unknown prompt {quote(name)}; {known}", "/parameters/prompt_name")
    return config.prompts[name]


def make_head(_: Any, __: Any, config: HandlerConfig) -> Head[EmbeddingParameters]:
    """Make the head: the vector [D], its beginning where the checkpoint sets truncate_dim, or so many as are asked."""

    @one_by_one
    def head(reading: Reading, parameters: EmbeddingParameters) -> Numbers:
        (row,) = reading.rows
        vector = row.astype(np.float64)[: config.truncate_dim if parameters.dimensions is None else None]
        if parameters.dimensions is not None:
            vector = shorten(vector, parameters.dimensions)
        return np.round(vector, DECIMALS)

    return head


def shorten(vector: Any, dimensions: int) -> Any:
    """Return the first `dimensions` values, scaled to length 1; for models that were trained to be cut (Matryoshka)."""
    if dimensions > len(vector):
        raise InvalidParameter(
            f"dimensions is {dimensions}; this model's vectors have {len(vector)}", "/parameters/dimensions"
        )
    cut = vector[:dimensions]
    return cut / max(np.linalg.norm(cut), np.finfo(np.float32).tiny)


def answer_bytes(parameters: EmbeddingParameters, vector_size: int) -> int:
    """Return the JSON bytes of one vector."""
    return BYTES_PER_NUMBER * min(parameters.dimensions or vector_size, vector_size)


EMBEDDINGS = TaskKind(
    task=Task.EMBEDDINGS,
    input_object=TextObject,
    parameters=EmbeddingParameters,
    is_vector=True,
    plan=plan,
    reads=Reads.VECTOR,
    make_head=make_head,
    answer_bytes=answer_bytes,
    results=(list[float],),
)
