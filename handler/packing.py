"""Texts of any lengths as one token stream, and the attention that keeps them apart. No padding anywhere.

transformers' own model runs on the stream as on one long text. Its attention function is replaced (through
transformers.AttentionInterface) by one that attends within each text only, and positions restart at each text.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own convention
from torch import Tensor, nn
from torch.nn.attention.varlen import varlen_attn
from transformers import AttentionInterface, AttentionMaskInterface

from .tokenization import EncodedText

ATTENTION_NAME = "berth_packed"
NUM_ROWS = 3  # ids, positions, type ids


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedBatch:
    """Texts laid end to end. T tokens in all, N texts."""

    indices: list[int]
    """Which of the caller's texts these are."""
    lengths: list[int]
    """Tokens of each text [N]."""
    buffer: npt.NDArray[np.int64]
    """[3 * T + N + 1]: ids, positions and type ids of each token, then where each text starts and the last ends.
    One array, so that one copy brings it to the device."""

    @property
    def num_tokens(self) -> int:
        """T."""
        return sum(self.lengths)


@dataclass(frozen=True, slots=True, kw_only=True)
class TextBounds:
    """Where the texts lie in the stream; reaches the attention function as the keyword argument text_bounds."""

    lengths: list[int]
    starts: Tensor  # [N] int64, on the model's device
    offsets: Tensor  # [N + 1] int32, on the model's device: the starts and the end of the last, as varlen_attn wants
    longest: int


def pack_texts(texts: Sequence[EncodedText], token_budget: int, first_position: int) -> Iterator[PackedBatch]:
    """All texts, in order, in batches of at most token_budget tokens; a text is never split."""
    indices: list[int] = []
    num_tokens = 0
    for index, text in enumerate(texts):
        if indices and num_tokens + text.num_tokens > token_budget:
            yield _pack(texts, indices, first_position)
            indices, num_tokens = [], 0
        indices.append(index)
        num_tokens += text.num_tokens
    if indices:
        yield _pack(texts, indices, first_position)


def _pack(texts: Sequence[EncodedText], indices: list[int], first_position: int) -> PackedBatch:
    chosen = [texts[index] for index in indices]
    lengths = [text.num_tokens for text in chosen]
    offsets = np.cumsum([0, *lengths], dtype=np.int64)
    total = int(offsets[-1])
    buffer = np.empty(NUM_ROWS * total + len(offsets), np.int64)
    ids, positions, type_ids = buffer[: NUM_ROWS * total].reshape(NUM_ROWS, total)
    ids[:] = [token for text in chosen for token in text.ids]
    positions[:] = np.arange(first_position, first_position + total) - np.repeat(offsets[:-1], lengths)
    type_ids[:] = [token for text in chosen for token in text.type_ids]
    buffer[NUM_ROWS * total :] = offsets
    return PackedBatch(indices=indices, lengths=lengths, buffer=buffer)


def unpack_buffer(buffer: Tensor, batch: PackedBatch) -> tuple[Tensor, Tensor, Tensor, TextBounds]:
    """The device's copy of batch.buffer as ids, positions and type ids [1, T], and the texts' bounds."""
    total = batch.num_tokens
    ids, positions, type_ids = buffer[: NUM_ROWS * total].view(NUM_ROWS, 1, total)
    offsets = buffer[NUM_ROWS * total :]
    bounds = TextBounds(lengths=batch.lengths, starts=offsets[:-1], offsets=offsets.int(), longest=max(batch.lengths))
    return ids, positions, type_ids, bounds


def attend_each_text(  # noqa: PLR0913, PLR0917 - transformers' signature of an attention function
    module: nn.Module,
    query: Tensor,  # [1, heads, T, head_size], as are key and value
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    *,
    text_bounds: TextBounds,
    sliding_window: int | None = None,
    **_: Any,
) -> tuple[Tensor, None]:
    """One scaled_dot_product_attention per text: fastest on a CPU, and right for any precision and device."""
    _refuse_window(sliding_window)
    parts = zip(*(torch.split(tensor, text_bounds.lengths, 2) for tensor in (query, key, value)), strict=True)
    attended = [F.scaled_dot_product_attention(q, k, v, scale=scaling) for q, k, v in parts]
    return torch.cat(attended, 2).transpose(1, 2), None


def attend_varlen(  # noqa: PLR0913, PLR0917 - transformers' signature of an attention function
    module: nn.Module,
    query: Tensor,  # [1, heads, T, head_size], as are key and value
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    *,
    text_bounds: TextBounds,
    sliding_window: int | None = None,
    **_: Any,
) -> tuple[Tensor, None]:
    """One flash-attention kernel for all texts: CUDA, bfloat16 and float16 only (torch.nn.attention.varlen)."""
    _refuse_window(sliding_window)
    q, k, v = (tensor[0].transpose(0, 1) for tensor in (query, key, value))  # [T, heads, head_size]
    bounds, longest = text_bounds.offsets, text_bounds.longest
    attended = varlen_attn(q, k, v, bounds, bounds, longest, longest, scale=scaling)
    assert isinstance(attended, Tensor)  # a tuple only where return_aux is asked for
    return attended.unsqueeze(0), None


def _refuse_window(sliding_window: int | None) -> None:
    """A model whose layers see a window only gets wrong answers here for texts longer than it: so it is padded."""
    if sliding_window is not None:
        raise NotImplementedError("the packed engine attends to whole texts, and this model asks for a sliding window")


def register_attention(device: torch.device, dtype: torch.dtype) -> None:
    """Make ATTENTION_NAME an attention implementation of transformers for this process."""
    has_kernel = device.type == "cuda" and dtype in (torch.bfloat16, torch.float16)
    AttentionInterface.register(ATTENTION_NAME, attend_varlen if has_kernel else attend_each_text)
    AttentionMaskInterface.register(ATTENTION_NAME, _no_mask)


def _no_mask(*_: Any, **__: Any) -> None:
    """The bounds of the texts take the place of a mask."""


def keep_first_tokens(module: nn.Module, _: Any, kwargs: dict[str, Any], output: Any) -> Any:
    """Forward hook of a base model whose head reads the first token of each row: [1, T, H] becomes [N, 1, H].

    Without it transformers' classification classes read the stream as one row and return one result for N texts.
    """
    bounds: TextBounds = kwargs["text_bounds"]
    output.last_hidden_state = output.last_hidden_state[0, bounds.starts].unsqueeze(1)
    pooler = getattr(module, "pooler", None)
    if pooler is not None:
        output.pooler_output = pooler(output.last_hidden_state)
    return output


def find_first_position(model: nn.Module) -> int:
    """The position id of a text's first token: 0, or behind the padding index in RoBERTa's family."""
    embeddings = next((child for name, child in model.named_modules() if name.endswith("position_embeddings")), None)
    padding_index = getattr(embeddings, "padding_idx", None)
    return 0 if padding_index is None else int(padding_index) + 1
