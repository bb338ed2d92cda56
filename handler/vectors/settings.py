"""Which vectors a checkpoint makes, and how: the setting `vectors` of model-config.yaml. It knows no checkpoint."""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from ..errors import ConfigError
from .late import Late, is_count


class Kind(StrEnum):
    """What may be asked of an embedding model."""

    DENSE = "dense"
    """One vector for the text."""
    SPARSE = "sparse"
    """A weight for each word of the vocabulary; nearly all are 0, and those are left out."""
    MULTI_VECTOR = "multi_vector"
    """A vector for each token."""


class WordPooling(StrEnum):
    """How the words' weights at each token become those of the text; sentence-transformers' names (SpladePooling)."""

    MAX = "max"
    SUM = "sum"


@dataclass(frozen=True, slots=True, kw_only=True)
class Vectors:
    """How an embedding model makes other vectors than one dense one. Checked in `from_mapping`."""

    words: WordPooling | None = None
    """SPLADE: log(1 + relu) of a masked-language model's logits, over all tokens. None: no such model."""
    is_log_twice: bool = False
    """Whether the logarithm is taken once more (SpladePooling's log1p_relu)."""
    max_active_dims: int | None = None
    """How many words a request gets that does not say. None: all of them."""
    query_table: str | None = None
    """Beside `words`: the folder of a table (SparseStaticEmbedding) with a weight for each token. A query's words weigh
    what it says, and no model reads them. None: queries are read as documents are."""
    query_tokens: int = 0
    """Most tokens of a query that is looked up there."""
    sparse_module: str | None = None
    """bge-m3's sparse_linear: the folder of a Dense module that weighs a token, whose word gets its largest weight."""
    multi_module: str | None = None
    """bge-m3's colbert_linear: the folder of a Dense module that makes a token's vector; the first token has none."""
    token_width: int = 0
    """Numbers of a token's vector."""
    dense_width: int = 0
    """Numbers of the dense vector, where it lies beside those of tokens."""
    late: Late | None = None
    """ColBERT: vectors of tokens, `token_width` numbers each, and none of the text."""

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """What may be asked for; the first is what a request gets that does not say."""
        made = {
            Kind.DENSE: self.words is None and self.late is None,
            Kind.SPARSE: self.words is not None or self.sparse_module is not None,
            Kind.MULTI_VECTOR: self.multi_module is not None or self.late is not None,
        }
        return tuple(kind for kind, is_made in made.items() if is_made)

    @property
    def modules(self) -> tuple[str, ...]:
        """Folders of the modules that look at each token."""
        return (*filter(None, (self.sparse_module, self.multi_module)), *(self.late.modules if self.late else ()))

    @property
    def hides_tokens(self) -> bool:
        """Whether a text may have tokens that none sees."""
        return self.late is not None and self.late.hides_filler

    @property
    def numbers_of_token(self) -> int:
        """Numbers that the modules say of each token: its weight, then its vector."""
        return (self.sparse_module is not None) + self.token_width

    @classmethod
    def from_mapping(cls, name: str, value: object) -> Self:
        """Read the setting; ConfigError says what is wrong with it."""
        if not isinstance(value, Mapping) or not set(value) <= set(_CHECKS):
            raise ConfigError(f"model-config.yaml: {name} is {value!r}; it must have settings of {', '.join(_CHECKS)}")
        for key, each in value.items():
            if not _CHECKS[key](each):
                raise ConfigError(f"model-config.yaml: {key} of {name} is {each!r}: pack the checkpoint again")
        ways = ("words" in value, "late" in value, bool({"sparse_module", "multi_module"} & set(value)))
        if sum(ways) != 1:
            raise ConfigError(f"model-config.yaml: {name} has either words or modules for tokens: pack it again")
        if "query_table" in value and not {"words", "query_tokens"} <= set(value):
            raise ConfigError(f"model-config.yaml: query_table of {name} needs words and query_tokens: pack it again")
        settings: dict[str, Any] = {key: _READ.get(key, _as_it_is)(each) for key, each in value.items()}
        return cls(**settings)

    def to_mapping(self) -> dict[str, Any]:
        """Return the plain values that `from_mapping` reads; what is empty or left open is absent."""
        values = {setting.name: getattr(self, setting.name) for setting in dataclasses.fields(self)}
        return {name: _plain(each) for name, each in values.items() if each}


def kinds_of(vectors: Vectors | None) -> tuple[Kind, ...]:
    """Return what a model of embeddings makes of a text; the first is what a request gets that does not say."""
    return (Kind.DENSE,) if vectors is None else vectors.kinds


def _plain(value: object) -> object:
    if isinstance(value, Late):
        return value.to_mapping()
    return str(value) if isinstance(value, StrEnum) else value


def _as_it_is(value: object) -> object:
    return value


def _is_folder(value: object) -> bool:
    return isinstance(value, str) and value.isidentifier()


_CHECKS: Mapping[str, Callable[[object], bool]] = {
    "words": lambda value: value in list(WordPooling),
    "is_log_twice": lambda value: isinstance(value, bool),
    "max_active_dims": is_count,
    "query_table": _is_folder,
    "query_tokens": is_count,
    "sparse_module": _is_folder,
    "multi_module": _is_folder,
    "token_width": is_count,
    "dense_width": is_count,
    "late": lambda value: isinstance(value, Mapping),
}
_READ: Mapping[str, Callable[[Any], object]] = {"words": WordPooling, "late": Late.from_mapping}
