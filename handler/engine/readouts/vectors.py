"""Dense vectors; and beside them, of the same pass, what a checkpoint's modules say of each token (bge-m3)."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own convention
from torch import Tensor, nn
from transformers import AutoModel

from ...config import HandlerConfig
from ...tasks.kind import Row
from ...text.encoded import EncodedText
from ...text.tokenization import Tokenizer
from ..placement import Placement
from ..pooling import Pooler, load_module
from .base import ByText, Numbers, Seen


class PooledReadout(ByText):
    """embeddings: one vector for each text [D]."""

    auto_class = AutoModel

    def __init__(self, folder: Path, config: HandlerConfig, placement: Placement, _: Tokenizer) -> None:
        self._pool = Pooler(folder, config, placement.device)

    def attach(self, network: Any) -> None:
        self.vector_size = self._pool.vector_size(network.config.hidden_size)
        if isinstance(getattr(network, "pooler", None), nn.Module):
            network.pooler = nn.Identity()  # nobody reads it, and it reads a matrix for each pass

    def read(self, output: Any, seen: Seen) -> Tensor:
        return self._pool(seen.tokens(output.last_hidden_state), seen.bounds)


class TokensReadout(PooledReadout):
    """embeddings of several kinds: of a text its vector, and beneath it a row for each token [1 + T, width].

    A token's row begins with its weight, where the checkpoint weighs tokens, and goes on with its vector, of length 1.
    Only the rows of texts that are asked for tokens (EncodedText.reads_tokens) leave the device. Of those that are
    asked for weights alone it is one row [width + T]: the text's own, and the weights, which lie end to end on the way.
    """

    def __init__(self, folder: Path, config: HandlerConfig, placement: Placement, tokenizer: Tokenizer) -> None:
        super().__init__(folder, config, placement, tokenizer)
        assert config.vectors is not None
        self._width = max(config.vectors.dense_width, config.vectors.numbers_of_token)
        names = (config.vectors.sparse_module, config.vectors.multi_module)
        self._weigh, self._turn = (
            None if name is None else load_module(folder / name).to(placement.device) for name in names
        )

    def read(self, output: Any, seen: Seen) -> Tensor:
        """Rows of all texts, or slots, then those of all tokens, in float32; the narrower ones end in zeros."""
        states = seen.tokens(output.last_hidden_state)
        vectors, tokens = self._pool(states, seen.bounds), self._look(states.float())
        width = max(vectors.shape[1], tokens.shape[1])
        return torch.cat([F.pad(each, (0, width - each.shape[1])) for each in (vectors, tokens)])

    def _look(self, states: Tensor) -> Tensor:
        """Token vectors [T, H] -> what is said of each [T, weight and vector]."""
        said = []
        if self._weigh is not None:
            said.append(self._weigh(states))
        if self._turn is not None:
            said.append(F.normalize(self._turn(states), dim=1))
        return torch.cat(said, dim=1)

    def choose(self, rows: Tensor, texts: Sequence[EncodedText], num_slots: int) -> Tensor:
        """Each text's row, and behind it those of its tokens where they are asked for."""
        if not any(text.reads_tokens for text in texts):
            return rows[: len(texts)]
        starts = num_slots + np.cumsum([0, *(text.num_tokens for text in texts)])
        places = [
            np.r_[place, starts[place] : starts[place] + self.count(text) - 1] for place, text in enumerate(texts)
        ]
        chosen = rows[torch.from_numpy(np.concatenate(places)).to(rows.device)]
        weighed = [np.arange(starts[place], starts[place + 1]) for place, text in enumerate(texts) if text.only_weights]
        if not weighed:
            return chosen
        weights = rows[torch.from_numpy(np.concatenate(weighed)).to(rows.device), 0]
        return torch.cat([chosen, F.pad(weights, (0, -len(weights) % self._width)).view(-1, self._width)])

    def count(self, text: EncodedText) -> int:
        """How many whole rows are a text's."""
        return 1 + text.num_tokens * (text.reads_tokens and not text.only_weights)

    def num_rows(self, texts: Sequence[EncodedText]) -> int:
        num_weights = sum(text.num_tokens for text in texts if text.only_weights)
        return sum(map(self.count, texts)) - (-num_weights // self._width)

    def split(self, numbers: Numbers, texts: Sequence[EncodedText]) -> list[Row]:
        *rows, behind = np.split(numbers, np.cumsum([self.count(text) for text in texts]))
        lengths = [text.num_tokens for text in texts if text.only_weights]
        weights = iter(np.split(behind.ravel(), np.cumsum(lengths)))
        return [
            np.concatenate([row[0], next(weights)]) if text.only_weights else row
            for row, text in zip(rows, texts, strict=True)
        ]
