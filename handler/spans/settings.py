"""How a GLiNER model reads words and types of entities: the setting `spans` of model-config.yaml. No checkpoint."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from ..errors import ConfigError

HEAD_FOLDER = "gliner"
"""The folder in the checkpoint's with the weights behind the encoder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanSettings:
    """The settings of gliner_config.json that reading needs. Checked in `from_mapping`."""

    max_width: int
    """Most words of an entity; 1 or more."""
    max_words: int
    """Most words that are read at once; 1 or more. A longer text is read in windows."""
    type_token: str
    """The token that stands before each type of entity: `<<ENT>>`."""
    text_token: str
    """The token that stands between the types and the text: `<<SEP>>`."""
    reads_type_token: bool = True
    """Whether a type's vector is that of its type token; else that of the token behind it."""

    @property
    def overlap_words(self) -> int:
        """Words that neighbouring windows share: each possible entity is whole in one of them, and not at its end."""
        return 2 * self.max_width

    @classmethod
    def from_mapping(cls, name: str, value: object) -> Self:
        """Read the setting; ConfigError says what is wrong with it."""
        kinds = {each.name: each.type for each in dataclasses.fields(cls)}
        needed = set(kinds) - {"reads_type_token"}
        if not isinstance(value, Mapping) or not needed <= set(value) <= set(kinds):
            raise ConfigError(f"model-config.yaml: {name} is {value!r}; it must have the settings {', '.join(kinds)}")
        for key, each in value.items():
            if type(each) is not kinds[key] or (kinds[key] is int and each < 1) or each == "":
                raise ConfigError(f"model-config.yaml: {key} of {name} is {each!r}: pack the checkpoint again")
        return cls(**value)

    def to_mapping(self) -> dict[str, Any]:
        """Return the plain values that `from_mapping` reads."""
        return dataclasses.asdict(self)
