"""Texts of any lengths as one token stream: batches in numpy, one array to the device. No padding anywhere."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from ..text.encoded import EncodedText

NUM_ROWS = 3  # ids, positions, type ids


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedBatch:
    """Texts laid end to end. T tokens in all, N texts."""

    indices: list[int]
    """Places of these texts among the caller's."""
    texts: list[EncodedText]
    """The texts themselves [N]."""
    cost: int
    """What the texts take of the token budget."""
    buffer: npt.NDArray[np.int64]
    """[3 * T + N + 1]: ids, positions and type ids of each token, then where each text starts and the last ends.
    One array, so that one copy brings it to the device."""

    @property
    def lengths(self) -> list[int]:
        """Tokens of each text [N]."""
        return [text.num_tokens for text in self.texts]

    @property
    def num_tokens(self) -> int:
        """Tokens of all texts together (T)."""
        return (len(self.buffer) - len(self.texts) - 1) // NUM_ROWS


@dataclass(frozen=True, slots=True, kw_only=True)
class TextBounds:
    """Where the texts lie in the stream; reaches the attention function as the keyword argument text_bounds."""

    lengths: list[int]
    """Tokens of each text [N]; empty where only the device knows them (handler.engine.graphs)."""
    starts: Tensor  # [N] int64, on the model's device; always a row of the stream
    offsets: Tensor  # [N + 1] int32, on the model's device: the starts and the end of the last, as varlen_attn wants
    longest: int
    """No text has more tokens."""
    seen: list[int] | None = None
    """Tokens of each text that its tokens see, the first of them [N]; None: all."""
    slots: int | None = None
    """Rows that a head gets which reads some tokens only; None: as many as there are such tokens."""

    @property
    def counts(self) -> Tensor:
        """Tokens of each text [N] int64, on the model's device."""
        return self.offsets.diff().long()


def pack_texts(
    texts: Sequence[EncodedText], costs: Sequence[int], token_budget: int, first_position: int
) -> Iterator[PackedBatch]:
    """Yield all texts, in order, in batches that cost at most token_budget; a text is never split.

    `costs`: what each text takes of the budget, at least its tokens.
    """
    indices: list[int] = []
    spent = 0
    for index, cost in enumerate(costs):
        if indices and spent + cost > token_budget:
            yield _pack(texts, indices, spent, first_position)
            indices, spent = [], 0
        indices.append(index)
        spent += cost
    if indices:
        yield _pack(texts, indices, spent, first_position)


def _pack(texts: Sequence[EncodedText], indices: list[int], cost: int, first_position: int) -> PackedBatch:
    indices = sorted(indices, key=lambda index: texts[index].adapter)  # those of one adapter are one run
    chosen = [texts[index] for index in indices]
    lengths = [text.num_tokens for text in chosen]
    offsets = np.cumsum([0, *lengths], dtype=np.int64)
    total = int(offsets[-1])
    buffer = np.empty(NUM_ROWS * total + len(offsets), np.int64)
    ids, positions, type_ids = buffer[: NUM_ROWS * total].reshape(NUM_ROWS, total)
    np.concatenate([text.ids for text in chosen], out=ids)
    positions[:] = np.arange(first_position, first_position + total) - np.repeat(offsets[:-1], lengths)
    np.concatenate([text.type_ids for text in chosen], out=type_ids)
    buffer[NUM_ROWS * total :] = offsets
    return PackedBatch(indices=indices, texts=chosen, cost=cost, buffer=buffer)


def unpack_buffer(buffer: Tensor, batch: PackedBatch) -> tuple[Tensor, TextBounds]:
    """Return the device's copy of batch.buffer as ids, positions and type ids [3, 1, T], and the texts' bounds."""
    total, lengths = batch.num_tokens, batch.lengths
    offsets = buffer[NUM_ROWS * total :]
    has_hidden = any(text.num_hidden for text in batch.texts)
    seen = [text.num_tokens - text.num_hidden for text in batch.texts] if has_hidden else None
    bounds = TextBounds(lengths=lengths, starts=offsets[:-1], offsets=offsets.int(), longest=max(lengths), seen=seen)
    return buffer[: NUM_ROWS * total].view(NUM_ROWS, 1, total), bounds


def bound_rows(lengths: list[int], device: torch.device) -> TextBounds:
    """Return the bounds of texts with these lengths [N], laid end to end."""
    offsets = torch.tensor([0, *lengths], device=device).cumsum(0)
    return TextBounds(lengths=lengths, starts=offsets[:-1], offsets=offsets.int(), longest=max(lengths))


def find_first_position(model: nn.Module) -> int:
    """Return the position id of a text's first token: 0, or behind the padding index in RoBERTa's family."""
    embeddings = next((child for name, child in model.named_modules() if name.endswith("position_embeddings")), None)
    padding_index = getattr(embeddings, "padding_idx", None)
    return 0 if padding_index is None else int(padding_index) + 1
