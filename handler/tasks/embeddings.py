"""embeddings: the pooled vector, as an array until it is written: a list of floats takes four times as much."""

from typing import Annotated, Any

import numpy as np
from msgspec import Meta

from ..config import HandlerConfig, Task
from ..errors import InvalidParameter
from ..inputs import TextInput, TextObject
from ..parameters import Count, CutParameters, EncodingFormat, choose_prompt
from ..text.passages import Layout, Passages, TextPair
from .kind import Head, Reading, Reads, Row, TaskKind, one_by_one

Base64Vector = Annotated[str, Meta(description="little-endian float32 in base64, if that was asked for")]


class EmbeddingParameters(CutParameters, frozen=True, kw_only=True):
    """embeddings: sentence-transformers' names, and OpenAI's `dimensions` and `encoding_format`."""

    prompt_name: str | None = None
    """Which of the checkpoint's prompts goes before each text. Absent: its default, if it has one."""
    dimensions: Count | None = None
    """Keep that many values of each vector, and scale what is left to length 1. Absent: as many as the checkpoint
    says, not scaled."""
    normalize: bool | None = None
    """true: scale each vector to length 1. false: do not. Absent: as the checkpoint says, and what `dimensions` keeps
    is scaled."""
    encoding_format: EncodingFormat = EncodingFormat.FLOAT
    """base64: each vector is a string of the bytes of its little-endian float32, in base64."""


def plan(source: TextInput, parameters: EmbeddingParameters, config: HandlerConfig) -> Passages:
    """Read the text behind its prompt, or token ids as they are."""
    layout = Layout(max_tokens=config.max_tokens)
    if source.token_ids is None:
        return Passages(
            pairs=(TextPair(text=choose_prompt(parameters.prompt_name, config) + source.text),), layout=layout
        )
    if parameters.prompt_name is not None:
        raise InvalidParameter("prompt_name goes before texts, not before token ids", "/parameters/prompt_name")
    return Passages(pairs=(TextPair(text="", token_ids=source.token_ids),), layout=layout)


def make_head(_: Any, __: Any, config: HandlerConfig) -> Head[EmbeddingParameters]:
    """Make the head: the vector [D], its beginning where the checkpoint sets truncate_dim, or so many as are asked."""

    @one_by_one
    def head(reading: Reading, parameters: EmbeddingParameters) -> Row:
        (row,) = reading.rows
        if parameters.normalize is False and config.normalize:
            raise InvalidParameter(
                "normalize is false, and this model's checkpoint makes vectors of length 1: leave it out",
                "/parameters/normalize",
            )
        kept = row[: config.truncate_dim] if parameters.dimensions is None else _cut(row, parameters.dimensions)
        is_cut = parameters.dimensions is not None
        return scale(kept) if (is_cut if parameters.normalize is None else parameters.normalize) else kept

    return head


def _cut(vector: Row, dimensions: int) -> Row:
    """Return the first `dimensions` values; for models that were trained to be cut (Matryoshka)."""
    if dimensions > len(vector):
        raise InvalidParameter(
            f"dimensions is {dimensions}; this model's vectors have {len(vector)}", "/parameters/dimensions"
        )
    return vector[:dimensions]


def scale(vector: Row) -> Row:
    """Return the vector with length 1; zeros stay zeros."""
    exact = vector.astype(np.float64)
    scaled: Row = (exact / max(np.linalg.norm(exact), np.finfo(np.float32).tiny)).astype(np.float32)
    return scaled


EMBEDDINGS = TaskKind(
    task=Task.EMBEDDINGS,
    input_object=TextObject,
    parameters=EmbeddingParameters,
    is_vector=True,
    plan=plan,
    reads=Reads.VECTOR,
    make_head=make_head,
    results=(list[float], Base64Vector),
)
