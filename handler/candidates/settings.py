"""How a GLiClass model reads and scores candidate labels: the setting `candidates` of model-config.yaml."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from ..errors import ConfigError

HEAD_FOLDER = "gliclass"
"""The folder in the checkpoint's with the weights behind the encoder."""
LABEL_TOKEN = "<<LABEL>>"  # noqa: S105 - no password
"""The token that stands before each label."""
TEXT_TOKEN = "<<SEP>>"  # noqa: S105 - no password
"""The token behind the last label."""
SCORERS = ("simple", "weighted-dot", "mlp")
"""What may make a number of a text's vector and a label's, by gliclass's names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateSettings:
    """The settings of a GLiClass model's config.json that its answers depend on. Checked in `from_mapping`."""

    label_id: int
    """The number of the label token."""
    text_id: int
    """The number of the text token."""
    labels_first: bool
    """Whether the labels stand before the text; else behind it."""
    reads_label_token: bool
    """Whether the label token is a part of its label; else only what follows it."""
    averages_labels: bool
    """Whether a label's vector is the mean of its tokens'; else its first one's."""
    averages_text: bool
    """Whether the text's vector is the mean of all tokens'; else the first one's."""
    reads_text_alone: bool
    """Whether the text begins at the text token; else at the first token of all, labels included."""
    normalizes: bool
    """Whether vectors are made of length 1, and their product multiplied with a learned number."""
    activation: str
    """What stands between the two layers behind the encoder, by transformers' name."""
    scorer: str
    """One of SCORERS."""

    @classmethod
    def from_mapping(cls, name: str, value: object) -> Self:
        """Read the setting; ConfigError says what is wrong with it."""
        kinds = {each.name: each.type for each in dataclasses.fields(cls)}
        if not isinstance(value, Mapping) or set(value) != set(kinds):
            raise ConfigError(f"model-config.yaml: {name} is {value!r}; it must have the settings {', '.join(kinds)}")
        for key, each in value.items():
            if type(each) is not kinds[key] or (key == "scorer" and each not in SCORERS):
                raise ConfigError(f"model-config.yaml: {key} of {name} is {each!r}: pack the checkpoint again")
        return cls(**value)

    def to_mapping(self) -> dict[str, Any]:
        """Return the plain values that `from_mapping` reads."""
        return dataclasses.asdict(self)
