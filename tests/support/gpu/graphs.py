"""A machine with CUDA's two parts that a CPU does not have: the attention kernel, and graphs. Nothing else is fake."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own convention
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode

from handler.engine.graphs.recorder import Recording


def put_kernel_in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the packed engine attend by varlen_attn, as with bf16 on CUDA."""
    for module in ("attention", "graphs.record"):
        monkeypatch.setattr(f"handler.engine.{module}.has_kernel", lambda *_: True)
    monkeypatch.setattr("handler.engine.attention.varlen_attn", attend_by_offsets)


def attend_by_offsets(
    query: Tensor, key: Tensor, value: Tensor, offsets: Tensor, _: Tensor, longest: int, __: int, **settings: Any
) -> Tensor:
    """varlen_attn by its documentation: [T, heads, head_size] each, and rows behind the last text are left as they are.

    Those are NaN here, so that whoever reads them shows it.
    """
    attended = torch.full_like(query, torch.nan)
    if isinstance(query, FakeTensor):  # whose offsets nobody may ask for
        return attended
    for start, end in zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True):
        assert end - start <= longest
        q, k, v = (part[start:end].transpose(0, 1) for part in (query, key, value))
        band = _band(end - start, *settings["window_size"])
        attended[start:end] = F.scaled_dot_product_attention(q, k, v, band, scale=settings["scale"]).transpose(0, 1)
    return attended


def _band(length: int, left: int, right: int) -> Tensor:
    """[length, length]: the tokens that each one attends to; -1 is no limit."""
    distances = torch.arange(length)[:, None] - torch.arange(length)
    return (distances <= (left if left >= 0 else length)) & (-distances <= (right if right >= 0 else length))


class CpuRecorder:
    """Calls the work again where CUDA would replay it."""

    def __init__(self) -> None:
        self._is_capturable = False

    def __call__(self, work: Callable[[], Tensor]) -> Recording:
        """RuntimeError for what CUDA could not capture: a tensor without numbers raises where one is asked for."""
        output = work()
        if not self._is_capturable:  # at one size, and then at all
            with FakeTensorMode(allow_non_fake_inputs=True):
                work()
            self._is_capturable = True

        def replay() -> None:
            output.fill_(torch.nan)
            assert work().data_ptr() == output.data_ptr()  # where CUDA would write again

        return Recording(replay, output)
