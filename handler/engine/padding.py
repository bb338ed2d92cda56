"""The fallback for models that the packed engine does not get right: padded batches of texts of similar length."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ..text.encoded import EncodedText


@dataclass(frozen=True, slots=True, kw_only=True)
class PaddedBatch:
    """N texts in rows of the longest one's length L."""

    indices: list[int]
    """Places of these texts among the caller's."""
    texts: list[EncodedText]
    """The texts themselves [N]."""
    cost: int
    """What the rows take of the token budget."""
    ids: Tensor  # [N, L] int64, cpu
    type_ids: Tensor  # [N, L] int64, cpu
    mask: Tensor  # [N, L] int64, cpu; 1 for a token, 0 for padding
    seen: Tensor  # [N, L] int64, cpu; the same, and 0 for a token that none sees


def pad_texts(
    texts: Sequence[EncodedText], costs: Sequence[int], token_budget: int, pad_token_id: int, *, in_order: bool = False
) -> Iterator[PaddedBatch]:
    """Yield all texts in batches that cost at most token_budget, padding included; the longest first, or `in_order`.

    `costs`: what each text takes of the budget, at least its tokens.
    """
    order = list(range(len(texts)))
    if not in_order:
        order.sort(key=lambda index: -texts[index].num_tokens)
    while order:
        num_rows, row_cost = _fit([costs[index] for index in order], token_budget)
        yield _pad(texts, order[:num_rows], num_rows * row_cost, pad_token_id)
        order = order[num_rows:]


def _fit(costs: Sequence[int], token_budget: int) -> tuple[int, int]:
    """Return how many of the first texts share a batch, at least one, and what a row of it costs: the most of them."""
    row_cost = costs[0]
    for num_rows, cost in enumerate(costs[1:], 1):
        if (num_rows + 1) * max(row_cost, cost) > token_budget:
            return num_rows, row_cost
        row_cost = max(row_cost, cost)
    return len(costs), row_cost


def _pad(texts: Sequence[EncodedText], indices: list[int], cost: int, pad_token_id: int) -> PaddedBatch:
    indices = sorted(indices, key=lambda index: texts[index].adapter)  # those of one adapter are one run
    chosen = [texts[index] for index in indices]
    longest = max(text.num_tokens for text in chosen)
    return PaddedBatch(
        indices=indices,
        texts=chosen,
        cost=cost,
        ids=_rows([text.ids for text in chosen], longest, pad_token_id),
        type_ids=_rows([text.type_ids for text in chosen], longest, 0),
        mask=_rows([np.ones(text.num_tokens, np.int8) for text in chosen], longest, 0),
        seen=_rows([np.ones(text.num_tokens - text.num_hidden, np.int8) for text in chosen], longest, 0),
    )


def _rows(values: Sequence[npt.NDArray[np.integer[Any]]], width: int, filler: int) -> Tensor:
    rows = np.full((len(values), width), filler, np.int64)
    for row, value in zip(rows, values, strict=True):
        row[: len(value)] = value
    return torch.from_numpy(rows)
