"""How much arithmetic a text needs; padding is not useful work. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True, slots=True, kw_only=True)
class EncoderShape:
    """The sizes of a BERT encoder that decide its work."""

    layers: int
    hidden: int
    intermediate: int

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """The sizes in a checkpoint's config.json."""
        return cls(
            layers=config["num_hidden_layers"], hidden=config["hidden_size"], intermediate=config["intermediate_size"]
        )

    def gflop(self, tokens: int) -> float:
        """GFLOP of one text's forward pass without padding: matrix products, with 2 operations for a multiply-add."""
        projections = 4 * self.hidden**2 + 2 * self.hidden * self.intermediate  # q, k, v, output; feed-forward
        attention = 2 * tokens * self.hidden  # scores and weighted sum
        return 2 * self.layers * tokens * (projections + attention) / 1e9
