"""embeddings: the pooled vector, as an array until it is written: a list of floats takes four times as much.

A checkpoint may make other vectors of a text (handler/vectors), in its place or beside it, all of one forward pass.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Annotated, Any

import msgspec
import numpy as np
from msgspec import Meta

from ..config import HandlerConfig, Task
from ..errors import InvalidParameter
from ..inputs import TextInput, TextObject
from ..parameters import Count, CutParameters, EncodingFormat, choose_prompt
from ..text.passages import Layout, Passages, TextPair
from ..vectors.settings import Kind, kinds_of
from .kind import Head, Reading, Reads, Row, TaskKind
from .late import late_of, plan_text, token_vectors
from .sparse import MaxWords, MinWeight, WordKeys, choose_words, is_looked_up, plan_query, weigh_words, words_of
from .sparse import Words as WordIds

Base64Vector = Annotated[str, Meta(description="little-endian float32 in base64, if that was asked for")]
Words = Annotated[dict[str, float], Meta(description="sparse: the weights of words, the largest first")]


class EveryKind(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The vectors that a list asks for, by their kinds."""

    dense: list[float] | Base64Vector | msgspec.UnsetType = msgspec.UNSET
    sparse: Words | msgspec.UnsetType = msgspec.UNSET
    multi_vector: list[list[float] | Base64Vector] | msgspec.UnsetType = msgspec.UNSET


OF_KINDS = {
    "dimensions": Kind.DENSE,
    "normalize": Kind.DENSE,
    "max_active_dims": Kind.SPARSE,
    "min_weight": Kind.SPARSE,
    "sparse_keys": Kind.SPARSE,
}


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
    vectors: Kind | Annotated[list[Kind], Meta(min_length=1, max_length=len(Kind))] | None = None
    """Which of the checkpoint's vectors to give; of a list an object with each by its name. Absent: its first kind."""
    max_active_dims: MaxWords | None = None
    """sparse: so many words, those of the largest weights. Absent: as many as the checkpoint says, else all."""
    min_weight: MinWeight | None = None
    """sparse: only words with a larger weight."""
    sparse_keys: WordKeys = WordKeys.IDS
    """sparse: weights by the ids of tokens, or by the words as the tokenizer has them."""

    @property
    def _kinds(self) -> Sequence[Kind]:
        return self.vectors if isinstance(self.vectors, list) else (self.vectors,) if self.vectors else ()

    @property
    def reads_tokens(self) -> bool:
        """Whether a sparse vector or those of tokens are asked for."""
        return not {Kind.DENSE}.issuperset(self._kinds)

    @property
    def gives_tokens(self) -> bool:
        """Whether those of tokens are."""
        return Kind.MULTI_VECTOR in self._kinds


def plan(source: TextInput, parameters: EmbeddingParameters, config: HandlerConfig) -> Passages:
    """Read the text behind its prompt, or token ids as they are; a kind of vectors that is not made is not read for."""
    choose_kinds(parameters, kinds_of(config.vectors))
    if (late := late_of(config)) is not None:
        return plan_text(source, parameters.prompt_name, config, late)
    layout = Layout(max_tokens=config.max_tokens)
    if source.token_ids is None:
        text = choose_prompt(parameters.prompt_name, config) + source.text
        if config.vectors is not None and is_looked_up(parameters.prompt_name, config.vectors):
            return plan_query(text, config.vectors)
        return Passages(pairs=(TextPair(text=text),), layout=layout)
    if parameters.prompt_name is not None:
        raise InvalidParameter("prompt_name goes before texts, not before token ids", "/parameters/prompt_name")
    return Passages(pairs=(TextPair(text="", token_ids=source.token_ids),), layout=layout)


Make = Callable[[Reading, EmbeddingParameters], object]


def make_head(_: Any, tokenizer: Any, config: HandlerConfig) -> Head[EmbeddingParameters]:
    """Make the head: the vector of the kind that is asked for, of those that the checkpoint makes."""
    makers = _makers(tokenizer, config)

    def head(readings: Sequence[Reading], parameters: EmbeddingParameters) -> Iterator[object]:
        asked = choose_kinds(parameters, tuple(makers))
        if isinstance(parameters.vectors, list):
            return ({str(kind): makers[kind](each, parameters) for kind in asked} for each in readings)
        make = makers[asked[0]]
        return (make(each, parameters) for each in readings)

    return head


def choose_kinds(parameters: EmbeddingParameters, kinds: tuple[Kind, ...]) -> tuple[Kind, ...]:
    """Return which of a model's kinds of vectors are asked for; InvalidParameter for what it does not make."""
    wanted = parameters.vectors or kinds[0]
    asked = tuple(wanted) if isinstance(wanted, list) else (wanted,)
    for kind in asked:
        if kind not in kinds:
            raise InvalidParameter(
                f"this model makes no {kind} vectors, but {' and '.join(kinds)}: ask for those", "/parameters/vectors"
            )
    for name, of in OF_KINDS.items():
        if of not in asked and getattr(parameters, name) not in (None, WordKeys.IDS):
            raise InvalidParameter(
                f"{name} is for {of} vectors, and {' and '.join(asked)} is asked for: leave it out",
                f"/parameters/{name}",
            )
    return asked


def _makers(tokenizer: Any, config: HandlerConfig) -> Mapping[Kind, Make]:
    """How each kind is made of what the model says of a text (Reads)."""
    if config.vectors is None:
        return {Kind.DENSE: _make_dense(config, lambda reading: reading.rows[0])}
    if (late := config.vectors.late) is not None:
        return {Kind.MULTI_VECTOR: lambda reading, asked: token_vectors(reading, asked.prompt_name, config, late)}
    if config.vectors.words is not None:
        return {Kind.SPARSE: _make_sparse(tokenizer, config, words_of)}
    width, first = config.vectors.dense_width, int(config.vectors.sparse_module is not None)
    last = config.vectors.numbers_of_token
    every = {
        # a copy, for a part would hold the whole
        Kind.DENSE: _make_dense(config, lambda reading: np.atleast_2d(reading.rows[0])[0, :width].copy()),
        Kind.SPARSE: _make_sparse(
            tokenizer, config, lambda reading: weigh_words(reading.texts[0].ids, _weights_of(reading), tokenizer)
        ),
        Kind.MULTI_VECTOR: lambda reading, _: reading.rows[0][2:, first:last].copy(),
    }
    return {kind: every[kind] for kind in config.vectors.kinds}


def _weights_of(reading: Reading) -> Row:
    """Return the weights of a text's tokens [T], which stand alone behind its row where no vectors are asked for."""
    (text,), (row,) = reading.texts, reading.rows
    return row[-text.num_tokens :] if text.only_weights else row[1:, 0]


def _make_dense(config: HandlerConfig, vector_of: Callable[[Reading], Row]) -> Make:
    """The vector [D], its beginning where the checkpoint sets truncate_dim, or so many as are asked."""

    def make(reading: Reading, parameters: EmbeddingParameters) -> Row:
        row = vector_of(reading)
        if parameters.normalize is False and config.normalize:
            raise InvalidParameter(
                "normalize is false, and this model's checkpoint makes vectors of length 1: leave it out",
                "/parameters/normalize",
            )
        kept = row[: config.truncate_dim] if parameters.dimensions is None else _cut(row, parameters.dimensions)
        is_cut = parameters.dimensions is not None
        return scale(kept) if (is_cut if parameters.normalize is None else parameters.normalize) else kept

    return make


def _make_sparse(
    tokenizer: Any, config: HandlerConfig, weights_of: Callable[[Reading], tuple[WordIds | None, Row]]
) -> Make:
    """Words with their weights, as many as are asked for or as the checkpoint sets."""
    default = None if config.vectors is None else config.vectors.max_active_dims

    def make(reading: Reading, parameters: EmbeddingParameters) -> object:
        words, weights = weights_of(reading)
        names = tokenizer if parameters.sparse_keys is WordKeys.WORDS else None
        return choose_words(weights, parameters.max_active_dims or default, parameters.min_weight or 0.0, names, words)

    return make


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
    results=(list[float], Base64Vector, Words, list[list[float]], EveryKind),
)
