"""Which vectors a checkpoint makes, and how: the setting `vectors` of model-config.yaml. It knows no checkpoint."""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from ..errors import ConfigError


class Kind(StrEnum):
    """What may be asked of an embedding model."""

    DENSE = "dense"
    """One vector for the text."""
    SPARSE = "sparse"
    """A weight for each word of the vocabulary; nearly all are 0, and those are left out."""


class WordPooling(StrEnum):
    """How the words' weights at each token become those of the text; sentence-transformers' names (SpladePooling)."""

    MAX = "max"
    SUM = "sum"


@dataclass(frozen=True, slots=True, kw_only=True)
class Vectors:
    """How an embedding model makes other vectors than one dense one. Checked in `from_mapping`."""

    words: WordPooling
    """SPLADE: log(1 + relu) of a masked-language model's logits, over all tokens."""
    is_log_twice: bool = False
    """Whether the logarithm is taken once more (SpladePooling's log1p_relu)."""
    max_active_dims: int | None = None
    """How many words a request gets that does not say (max_active_dims). None: all of them."""

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """What may be asked for; the first is what a request gets that does not say."""
        return (Kind.SPARSE,)

    @classmethod
    def from_mapping(cls, name: str, value: object) -> Self:
        """Read the setting; ConfigError says what is wrong with it."""
        if not isinstance(value, Mapping) or "words" not in value or not set(value) <= set(_CHECKS):
            raise ConfigError(f"model-config.yaml: {name} is {value!r}; it must have words, of {', '.join(_CHECKS)}")
        for key, each in value.items():
            if not _CHECKS[key](each):
                raise ConfigError(f"model-config.yaml: {key} of {name} is {each!r}: pack the checkpoint again")
        return cls(**{**value, "words": WordPooling(value["words"])})

    def to_mapping(self) -> dict[str, Any]:
        """Return the plain values that `from_mapping` reads."""
        values = {setting.name: getattr(self, setting.name) for setting in dataclasses.fields(self)}
        return {name: str(each) if name == "words" else each for name, each in values.items() if each is not None}


_CHECKS: Mapping[str, Callable[[object], bool]] = {
    "words": lambda value: value in list(WordPooling),
    "is_log_twice": lambda value: isinstance(value, bool),
    "max_active_dims": lambda value: type(value) is int and value > 0,
}
