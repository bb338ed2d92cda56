"""Late interaction (ColBERT): how queries and documents are marked, and what makes their tokens' vectors. Pure."""

import dataclasses
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from ..errors import ConfigError

QUERY, DOCUMENT = "query", "document"
"""What `prompt_name` says of a text; another name's text is a document."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Late:
    """How a checkpoint reads its texts: PyLate's settings, with tokens by their ids."""

    query_tokens: int
    """Most tokens of a query, special ones and the marker included; longer ones are cut."""
    document_tokens: int
    modules: tuple[str, ...]
    """Folders of the Dense modules that make a token's vector, in order."""
    query_marker: int | None = None
    """The token that stands behind a query's first one."""
    document_marker: int | None = None
    filler: int | None = None
    """The token that fills a shorter query up to query_tokens, with vectors of its own. None: none does."""
    hides_filler: bool = False
    """Whether no token sees the fillers, which see all others."""
    skipped: tuple[int, ...] = ()
    """Tokens of a document that have no vector: punctuation."""

    @property
    def longest(self) -> int:
        """Most tokens of any text."""
        return max(self.query_tokens, self.document_tokens)

    @classmethod
    def from_mapping(cls, value: object) -> Self:
        """Read the setting; ConfigError says what is wrong with it."""
        needed = {"query_tokens", "document_tokens", "modules"}
        if not isinstance(value, Mapping) or not needed <= set(value) <= set(_CHECKS):
            raise ConfigError(f"model-config.yaml: late is {value!r}: pack the checkpoint again")
        for name, each in value.items():
            if not _CHECKS[name](each):
                raise ConfigError(f"model-config.yaml: {name} of late is {each!r}: pack the checkpoint again")
        settings: dict[str, Any] = {
            name: tuple(each) if isinstance(each, list) else each for name, each in value.items()
        }
        return cls(**settings)

    def to_mapping(self) -> dict[str, Any]:
        """Return the plain values that `from_mapping` reads; what is absent there is left out."""
        values = {setting.name: getattr(self, setting.name) for setting in dataclasses.fields(self)}
        kept = {name: each for name, each in values.items() if each not in (None, (), False)}
        return {name: list(each) if isinstance(each, tuple) else each for name, each in kept.items()}


def is_count(value: object) -> bool:
    """Whether it is a whole number above 0."""
    return type(value) is int and value > 0


def _is_token(value: object) -> bool:
    return type(value) is int and value >= 0


def _lists(of: Callable[[object], bool]) -> Callable[[object], bool]:
    return lambda value: isinstance(value, list) and all(map(of, value))


_CHECKS: Mapping[str, Callable[[object], bool]] = {
    "query_tokens": is_count,
    "document_tokens": is_count,
    "modules": _lists(lambda each: isinstance(each, str) and re.fullmatch(r"[\w.-]+", each) is not None),
    "query_marker": _is_token,
    "document_marker": _is_token,
    "filler": _is_token,
    "hides_filler": lambda value: isinstance(value, bool),
    "skipped": _lists(_is_token),
}
