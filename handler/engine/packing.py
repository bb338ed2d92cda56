"""Texts of any lengths as one token stream, and the attention that keeps them apart. No padding anywhere.

transformers' own model runs on the stream as on one long text. Its attention function is replaced (through
transformers.AttentionInterface) by one that attends within each text only, and positions restart at each text.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own convention
from torch import Tensor, nn
from torch.nn.attention.varlen import varlen_attn
from transformers import AttentionInterface, AttentionMaskInterface

from ..text.encoded import EncodedText

ATTENTION_NAME = "berth_packed"
NUM_ROWS = 3  # ids, positions, type ids
# Queries that share one band mask where a layer sees a window only. One mask for a text of 512 tokens takes 14 ms, four
# blocks 6 ms; 8192 tokens take 0.1 s in blocks and 2.6 s as a whole (12 heads of 64, 64 tokens to either side, 1 core
# of an AMD EPYC, 2026-11-25); a mask for 8192 tokens would be 64 MiB.
WINDOW_BLOCK = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedBatch:
    """Texts laid end to end. T tokens in all, N texts."""

    indices: list[int]
    """Which of the caller's texts these are."""
    lengths: list[int]
    """Tokens of each text [N]."""
    cost: int
    """What the texts take of the token budget."""
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


def pack_texts(
    texts: Sequence[EncodedText], costs: Sequence[int], token_budget: int, first_position: int
) -> Iterator[PackedBatch]:
    """All texts, in order, in batches that cost at most token_budget; a text is never split.

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
    return PackedBatch(indices=indices, lengths=lengths, cost=cost, buffer=buffer)


def unpack_buffer(buffer: Tensor, batch: PackedBatch) -> tuple[Tensor, Tensor, Tensor, TextBounds]:
    """The device's copy of batch.buffer as ids, positions and type ids [1, T], and the texts' bounds."""
    total = batch.num_tokens
    ids, positions, type_ids = buffer[: NUM_ROWS * total].view(NUM_ROWS, 1, total)
    offsets = buffer[NUM_ROWS * total :]
    bounds = TextBounds(lengths=batch.lengths, starts=offsets[:-1], offsets=offsets.int(), longest=max(batch.lengths))
    return ids, positions, type_ids, bounds


def attend_each_text(  # noqa: PLR0913, PLR0917 - transformers' signature of an attention function
    module: nn.Module,
    query: Tensor,  # [1, heads, T, head_size], as are key and value; without bounds [rows, heads, T, head_size]
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    *,
    text_bounds: TextBounds | None = None,
    sliding_window: int | None = None,
    **_: Any,
) -> tuple[Tensor, None]:
    """One scaled_dot_product_attention per text: fastest on a CPU, and right for any precision and device."""
    if text_bounds is None:
        return _attend_rows(query, key, value, scaling, sliding_window).transpose(1, 2), None
    parts = zip(*(torch.split(tensor, text_bounds.lengths, 2) for tensor in (query, key, value)), strict=True)
    attended = [_attend_rows(q, k, v, scaling, sliding_window) for q, k, v in parts]
    return torch.cat(attended, 2).transpose(1, 2), None


def attend_varlen(  # noqa: PLR0913, PLR0917 - transformers' signature of an attention function
    module: nn.Module,
    query: Tensor,  # [1, heads, T, head_size], as are key and value; without bounds [rows, heads, T, head_size]
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    *,
    text_bounds: TextBounds | None = None,
    sliding_window: int | None = None,
    **_: Any,
) -> tuple[Tensor, None]:
    """One flash-attention kernel for all texts: CUDA, bfloat16 and float16 only (torch.nn.attention.varlen)."""
    if text_bounds is None:
        return _attend_rows(query, key, value, scaling, sliding_window).transpose(1, 2), None
    q, k, v = (tensor[0].transpose(0, 1) for tensor in (query, key, value))  # [T, heads, head_size]
    bounds, longest = text_bounds.offsets, text_bounds.longest
    # varlen_attn counts the tokens on either side, both ends included (pytorch's test_varlen_attention.py), and -1 is
    # no limit; transformers translates its own number in the same way (_flash_attention_forward's window_size).
    reach = -1 if sliding_window is None else sliding_window - 1
    attended = varlen_attn(q, k, v, bounds, bounds, longest, longest, scale=scaling, window_size=(reach, reach))
    assert isinstance(attended, Tensor)  # a tuple only where return_aux is asked for
    return attended.unsqueeze(0), None


def _attend_rows(query: Tensor, key: Tensor, value: Tensor, scaling: float | None, window: int | None) -> Tensor:
    """Attention within each row [rows, heads, L, head_size]; with a window, to tokens that are less than it away."""
    length = query.shape[2]
    if window is None or length <= window:
        return F.scaled_dot_product_attention(query, key, value, scale=scaling)
    attended = []
    for start in range(0, length, WINDOW_BLOCK):
        end = min(start + WINDOW_BLOCK, length)
        first, last = max(0, start - window + 1), min(length, end + window - 1)
        q, k, v = query[:, :, start:end], key[:, :, first:last], value[:, :, first:last]
        band = torch.ones(end - start, last - first, dtype=torch.bool, device=query.device)
        band.tril_(start - first + window - 1).triu_(start - first - window + 1)
        attended.append(F.scaled_dot_product_attention(q, k, v, attn_mask=band, scale=scaling))
    return torch.cat(attended, 2)


def register_attention(device: torch.device, dtype: torch.dtype) -> None:
    """Make ATTENTION_NAME an attention implementation of transformers for this process."""
    has_kernel = device.type == "cuda" and dtype in (torch.bfloat16, torch.float16)
    AttentionInterface.register(ATTENTION_NAME, attend_varlen if has_kernel else attend_each_text)
    AttentionMaskInterface.register(ATTENTION_NAME, _no_mask)


def _no_mask(*_: Any, **__: Any) -> None:
    """The bounds of the texts take the place of a mask."""


def keep_first_tokens(module: nn.Module, _: Any, kwargs: dict[str, Any], output: Any) -> Any:
    """Forward hook of a base model whose head reads one vector per row: [1, T, H] becomes [N, 1, H].

    Without it transformers' classification classes read the stream as one row and return one result for N texts.
    The vector is a text's first token; for ModernBERT's classifier_pooling "mean" it is the mean of all its tokens,
    and the class's own mean over this one row leaves it as it is.
    """
    bounds: TextBounds | None = kwargs.get("text_bounds")
    if bounds is None:
        return output
    tokens = output.last_hidden_state[0]
    is_mean = getattr(module.config, "classifier_pooling", "cls") == "mean"
    vectors = _mean_per_text(tokens, bounds) if is_mean else tokens[bounds.starts]
    output.last_hidden_state = vectors.unsqueeze(1)
    pooler: Any = getattr(module, "pooler", None)
    if pooler is not None:
        # ALBERT alone has the two halves of its pooler apart: a Linear of the first token, and the activation.
        activation = getattr(module, "pooler_activation", None)
        output.pooler_output = activation(pooler(vectors)) if activation else pooler(output.last_hidden_state)
    return output


def _mean_per_text(tokens: Tensor, bounds: TextBounds) -> Tensor:
    """[T, H] -> [N, H], summed in float32 whatever the precision."""
    lengths = bounds.offsets.diff().long()
    return torch.segment_reduce(tokens.float(), "mean", lengths=lengths, unsafe=True).to(tokens.dtype)


def keep_masks(mask_token_id: int) -> Callable[[nn.Module, Any, dict[str, Any], Any], Any]:
    """A forward hook of a base model that leaves its masked-LM head the masks only: [rows, L, H] becomes [1, M, H].

    The M masks of all rows, row by row. The head's logits are as wide as the vocabulary: 30 to 250 thousand numbers
    for a token, and nobody asks for those of the others.
    """

    def hook(_: nn.Module, args: Any, kwargs: dict[str, Any], output: Any) -> Any:
        ids: Tensor | None = args[0] if args else kwargs.get("input_ids")
        if ids is None:  # called with inputs_embeds
            return output
        output.last_hidden_state = output.last_hidden_state[ids == mask_token_id].unsqueeze(0)
        return output

    return hook


def find_first_position(model: nn.Module) -> int:
    """The position id of a text's first token: 0, or behind the padding index in RoBERTa's family."""
    embeddings = next((child for name, child in model.named_modules() if name.endswith("position_embeddings")), None)
    padding_index = getattr(embeddings, "padding_idx", None)
    return 0 if padding_index is None else int(padding_index) + 1
