"""Attention itself: where a window ends, and that the kernel for CUDA is asked for the same."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from handler.engine.attention import WINDOW_BLOCK, AttendTexts, attend_each_text, attend_varlen, make_attention
from handler.engine.packing import TextBounds, bound_rows


def random_heads(rows: int, length: int) -> tuple[Tensor, Tensor, Tensor]:
    """Query, key and value [rows, heads, length, head_size]."""
    query, key, value = torch.randn(3, rows, 2, length, 8, generator=torch.Generator().manual_seed(6))
    return query, key, value


def attend_plainly(query: Tensor, key: Tensor, value: Tensor, reach: float, *, is_causal: bool = False) -> Tensor:
    """By the book, to the tokens at a distance of `reach` or less: [rows, length, heads, head_size]."""
    positions = torch.arange(query.shape[2])
    distance = positions.unsqueeze(1) - positions
    is_far = (distance.abs() > reach) | ((distance < 0) & is_causal)
    scores = (query @ key.transpose(2, 3) / 8**0.5).masked_fill(is_far, -torch.inf)
    return (scores.softmax(-1) @ value).transpose(1, 2)


def bounds_of(*lengths: int) -> TextBounds:
    return bound_rows(list(lengths), torch.device("cpu"))


WINDOWED_LENGTHS = (1, 4, 5, 6, 7, WINDOW_BLOCK - 1, WINDOW_BLOCK, WINDOW_BLOCK + 1, 3 * WINDOW_BLOCK + 3)


@pytest.mark.parametrize("length", WINDOWED_LENGTHS)
@pytest.mark.parametrize("window", [1, 5, 6, WINDOW_BLOCK + 1, None])
def test_window_ends_where_transformers_ends_it(length: int, window: int | None) -> None:
    """ModernBERT asks for its config.sliding_window + 1 and means a distance of config.sliding_window or less."""
    heads = random_heads(2, length)
    attended, _ = make_attention(attend_each_text)(nn.Module(), *heads, None, sliding_window=window)
    torch.testing.assert_close(attended, attend_plainly(*heads, length if window is None else window - 1))


@pytest.mark.parametrize("seen", [1, 5, WINDOW_BLOCK - 6])
def test_a_token_with_none_in_its_window_that_may_be_seen_gets_zeros(seen: int) -> None:
    """As from scaled_dot_product_attention, of transformers' mask."""
    length, window = 3 * WINDOW_BLOCK, 5
    heads = random_heads(1, length)
    bounds = replace(bounds_of(length), seen=[seen])
    settings: dict[str, Any] = {"text_bounds": bounds, "sliding_window": window}
    attended, _ = make_attention(attend_each_text)(nn.Module(), *heads, None, **settings)
    positions = torch.arange(length)
    mask = ((positions.unsqueeze(1) - positions).abs() < window) & (positions < seen)
    expected = functional.scaled_dot_product_attention(*heads, attn_mask=mask).transpose(1, 2)
    torch.testing.assert_close(attended, expected)
    assert not attended[0, -1].any()


def attend_as_varlen(*heads: Tensor, window_size: tuple[int, int], scale: float | None) -> Tensor:
    """varlen_attn by its documentation, for a machine without CUDA: a text after the other, window ends included."""
    query, key, value, bounds, *_ = heads
    parts = []
    for start, end in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        q, k, v = (part[start:end].transpose(0, 1).unsqueeze(0) for part in (query, key, value))
        reach = end - start if window_size[0] == -1 else window_size[0]
        parts.append(attend_plainly(q, k, v, reach, is_causal=window_size[1] == 0)[0])
    assert window_size[1] in (0, window_size[0])
    assert scale is None
    return torch.cat(parts)


@pytest.mark.parametrize("window", [None, 5])
@pytest.mark.parametrize("has_bounds", [True, False])
def test_kernel_for_cuda_is_asked_for_the_same(
    monkeypatch: pytest.MonkeyPatch, window: int | None, has_bounds: bool
) -> None:
    monkeypatch.setattr("handler.engine.attention.varlen_attn", attend_as_varlen)
    bounds = bounds_of(*WINDOWED_LENGTHS) if has_bounds else None
    heads = random_heads(1, sum(WINDOWED_LENGTHS))
    settings: dict[str, Any] = {"text_bounds": bounds, "sliding_window": window}
    expected, _ = make_attention(attend_each_text)(nn.Module(), *heads, None, **settings)
    attended, _ = make_attention(attend_varlen)(nn.Module(), *heads, None, **settings)
    torch.testing.assert_close(attended, expected)


@pytest.mark.parametrize("attend", [attend_each_text, attend_varlen])
def test_heads_that_share_keys_read_them_all(monkeypatch: pytest.MonkeyPatch, attend: AttendTexts) -> None:
    """EuroBERT-610m has three heads of the query for each of keys and values."""
    monkeypatch.setattr("handler.engine.attention.varlen_attn", attend_as_varlen)
    query, key, value = random_heads(1, sum(WINDOWED_LENGTHS))
    key, value = key[:, :1], value[:, :1]
    bounds = bounds_of(*WINDOWED_LENGTHS)
    attended, _ = make_attention(attend)(nn.Module(), query, key, value, None, text_bounds=bounds)
    parts = zip(*(torch.split(each, list(WINDOWED_LENGTHS), 2) for each in (query, key, value)), strict=True)
    expected = torch.cat([functional.scaled_dot_product_attention(q, k, v, enable_gqa=True) for q, k, v in parts], 2)
    torch.testing.assert_close(attended, expected.transpose(1, 2))


class Decoder(nn.Module):
    """As transformers marks the attention of one."""

    is_causal = True


@pytest.mark.parametrize("attend", [attend_each_text, attend_varlen])
@pytest.mark.parametrize("window", [2, 6, None])
def test_a_decoder_sees_what_is_before_alone(
    monkeypatch: pytest.MonkeyPatch, attend: AttendTexts, window: int | None
) -> None:
    monkeypatch.setattr("handler.engine.attention.varlen_attn", attend_as_varlen)
    heads = random_heads(1, sum(WINDOWED_LENGTHS))
    settings: dict[str, Any] = {"text_bounds": bounds_of(*WINDOWED_LENGTHS), "sliding_window": window}
    attended, _ = make_attention(attend)(Decoder(), *heads, None, **settings)
    parts = zip(*(torch.split(each, list(WINDOWED_LENGTHS), 2) for each in heads), strict=True)
    reach = torch.inf if window is None else window - 1
    expected = torch.cat([attend_plainly(q, k, v, reach, is_causal=True) for q, k, v in parts], 1)
    torch.testing.assert_close(attended, expected)
