"""Attention within each text of a packed stream: the one part of a model that packing replaces."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own convention
from torch import Tensor, nn
from torch.nn.attention.varlen import varlen_attn
from transformers import AttentionInterface, AttentionMaskInterface

from .packing import TextBounds

ATTENTION_NAME = "berth_packed"
# Queries that share one band mask where a layer sees a window only. One mask for a text of 512 tokens takes 14 ms, four
# blocks 6 ms; 8192 tokens take 0.1 s in blocks and 2.6 s as a whole (12 heads of 64, 64 tokens to either side, 1 core
# of an AMD EPYC, 2026-11-25); a mask for 8192 tokens would be 64 MiB.
WINDOW_BLOCK = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """How far each token of a text sees."""

    window: int | None = None
    """Tokens that are less than it away; None: all."""
    is_causal: bool = False
    """Only itself and what is before it, as in a decoder."""


AttendTexts = Callable[[Tensor, Tensor, Tensor, TextBounds, float | None, Reach], Tensor]
"""Query, key and value [1, heads, T, head_size], the texts' bounds, scale and reach -> [1, T, heads, head_size]."""


def register_attention(device: torch.device, dtype: torch.dtype) -> None:
    """Make ATTENTION_NAME an attention implementation of transformers for this process."""
    attend_texts = attend_varlen if has_kernel(device, dtype) else attend_each_text
    AttentionInterface.register(ATTENTION_NAME, make_attention(attend_texts))
    AttentionMaskInterface.register(ATTENTION_NAME, _no_mask)


def has_kernel(device: torch.device, dtype: torch.dtype) -> bool:
    """Whether one kernel attends within all texts, by bounds that only the device has to know (attend_varlen)."""
    return device.type == "cuda" and dtype in (torch.bfloat16, torch.float16)


def make_attention(attend_texts: AttendTexts) -> Callable[..., tuple[Tensor, None]]:
    """Make transformers' attention function: texts kept apart where bounds tell where they lie, else whole rows."""

    def attention(  # noqa: PLR0913, PLR0917 - transformers' signature
        module: nn.Module,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        attention_mask: Tensor | None,
        scaling: float | None = None,
        *,
        text_bounds: TextBounds | None = None,
        sliding_window: int | None = None,
        **_: Any,
    ) -> tuple[Tensor, None]:
        key, value = _for_all_heads(key, query), _for_all_heads(value, query)
        reach = Reach(window=sliding_window, is_causal=getattr(module, "is_causal", False))
        if text_bounds is None:
            return _attend_rows(query, key, value, scaling, reach).transpose(1, 2), None
        return attend_texts(query, key, value, text_bounds, scaling, reach), None

    return attention


def attend_each_text(  # noqa: PLR0913, PLR0917 - AttendTexts
    query: Tensor, key: Tensor, value: Tensor, bounds: TextBounds, scaling: float | None, reach: Reach
) -> Tensor:
    """One scaled_dot_product_attention per text: fastest on a CPU, and right for any precision and device."""
    if bounds.seen is None and len(bounds.lengths) == 1:
        return _attend_rows(query, key, value, scaling, reach).transpose(1, 2)
    queries, keys, values = (torch.split(tensor, bounds.lengths, 2) for tensor in (query, key, value))
    if bounds.seen is not None:
        keys, values = (
            tuple(each[:, :, :seen] for each, seen in zip(parts, bounds.seen, strict=True)) for parts in (keys, values)
        )
    parts = zip(queries, keys, values, strict=True)
    return torch.cat([_attend_rows(q, k, v, scaling, reach) for q, k, v in parts], 2).transpose(1, 2)


def attend_varlen(  # noqa: PLR0913, PLR0917 - AttendTexts
    query: Tensor, key: Tensor, value: Tensor, bounds: TextBounds, scaling: float | None, reach: Reach
) -> Tensor:
    """One flash-attention kernel for all texts: CUDA, bfloat16 and float16 only (torch.nn.attention.varlen)."""
    if bounds.seen is not None:
        return attend_each_text(query, key, value, bounds, scaling, reach)
    q, k, v = (tensor[0].transpose(0, 1) for tensor in (query, key, value))  # [T, heads, head_size]
    offsets, longest = bounds.offsets, bounds.longest
    # varlen_attn counts the tokens on either side, both ends included (pytorch's test_varlen_attention.py), and -1 is
    # no limit; transformers translates its own number in the same way (_flash_attention_forward's window_size).
    before = -1 if reach.window is None else reach.window - 1
    sides = (before, 0 if reach.is_causal else before)
    attended = varlen_attn(q, k, v, offsets, offsets, longest, longest, scale=scaling, window_size=sides)
    assert isinstance(attended, Tensor)  # a tuple only where return_aux is asked for
    return attended.unsqueeze(0)


def _attend_rows(query: Tensor, key: Tensor, value: Tensor, scaling: float | None, reach: Reach) -> Tensor:
    """Attention within each row [rows, heads, L, head_size], as far as each token sees."""
    length, window = query.shape[2], reach.window
    if window is None or length <= window:
        return F.scaled_dot_product_attention(query, key, value, scale=scaling, is_causal=reach.is_causal)
    attended = []
    for start in range(0, length, WINDOW_BLOCK):
        end = min(start + WINDOW_BLOCK, length)
        last = min(key.shape[2], end + window - 1)
        first = min(max(0, start - window + 1), last)  # behind the last key that is seen there is none
        q, k, v = query[:, :, start:end], key[:, :, first:last], value[:, :, first:last]
        band = torch.ones(end - start, last - first, dtype=torch.bool, device=query.device)
        band.tril_(start - first + (0 if reach.is_causal else window - 1)).triu_(start - first - window + 1)
        attended.append(F.scaled_dot_product_attention(q, k, v, attn_mask=band, scale=scaling))
    return torch.cat(attended, 2)


def _for_all_heads(tensor: Tensor, query: Tensor) -> Tensor:
    """Keys or values [rows, groups, L, head_size], repeated where several heads of the query share one (EuroBERT)."""
    num_shared = query.shape[1] // tensor.shape[1]
    return tensor if num_shared == 1 else tensor.repeat_interleave(num_shared, 1)


def _no_mask(*_: Any, **__: Any) -> None:
    """Make no mask: the bounds of the texts take its place."""
