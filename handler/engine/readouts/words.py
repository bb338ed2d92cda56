"""Sparse vectors: a weight for each word of the vocabulary, as a masked-language model would fill in a text (SPLADE).

The model's logits are a vocabulary's width for every token, gigabytes for a full batch. So the last matrix is taken
off the model and applied to slices of the stream, of which nothing is kept but each word's weight for a text.
"""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoModelForMaskedLM

from ...config import VOCABULARY_PER_TOKEN, HandlerConfig
from ...errors import ConfigError
from ...sizes import SLICE_NUMBERS
from ...text.encoded import EncodedText
from ...text.tokenization import Tokenizer
from ...vectors.settings import Vectors, WordPooling
from ..placement import Placement
from .base import ByText, Seen


class WordReadout(ByText):
    """embeddings, sparse: a weight for each word [vocabulary], 0 or more."""

    auto_class = AutoModelForMaskedLM

    def __init__(self, _: Path, config: HandlerConfig, __: Placement, ___: Tokenizer) -> None:
        assert config.vectors is not None
        self._vectors: Vectors = config.vectors

    def attach(self, network: Any) -> None:
        """Take the matrix of the vocabulary off the model; ConfigError where it has none."""
        words = network.get_output_embeddings()
        if not isinstance(words, nn.Linear):
            raise ConfigError(
                f"{type(network).__name__} has no matrix of its vocabulary, which sparse vectors are made with: serve "
                "this model with sentence-transformers"
            )
        self._words = words
        self.slot_cost = words.out_features // VOCABULARY_PER_TOKEN
        # Not by set_output_embeddings, which wants a bias of some heads.
        name = next(name for name, module in network.named_modules() if module is words)
        parent, _, child = name.rpartition(".")
        setattr(network.get_submodule(parent), child, nn.Identity())

    def cost(self, text: EncodedText) -> int:
        return text.num_tokens + self.slot_cost

    def read(self, output: Any, seen: Seen) -> Tensor:
        """The states [T, H] behind the head's transform -> the texts' weights [N, vocabulary] float32."""
        states: Tensor = seen.tokens(output.logits)
        ends = seen.bounds.offsets[1:].long()
        rows = torch.arange(len(states), device=states.device)
        text_of_row = torch.searchsorted(ends, rows, right=True)  # N behind the last: no text's
        weights = states.new_zeros((len(ends) + 1, self._words.out_features), dtype=torch.float32)
        step = max(1, SLICE_NUMBERS // self._words.out_features)
        for first in range(0, len(states), step):
            self._add(weights, states[first : first + step], text_of_row[first : first + step])
        return (weights if self._vectors.words is WordPooling.SUM else self._log(weights))[:-1]

    def _add(self, weights: Tensor, states: Tensor, text_of_row: Tensor) -> None:
        """Add what some tokens say to their texts' weights [N + 1, vocabulary]: at first 0, which is relu's least."""
        logits = self._words(states).float()
        places = text_of_row[:, None].expand_as(logits)
        if self._vectors.words is WordPooling.SUM:
            weights.scatter_add_(0, places, self._log(logits.relu_()))
        else:  # the logarithm rises with the logits: that of the largest is the largest
            weights.scatter_reduce_(0, places, logits, "amax")

    def _log(self, numbers: Tensor) -> Tensor:
        numbers = numbers.log1p_()
        return numbers.log1p_() if self._vectors.is_log_twice else numbers
