"""Linear layers in int8 on a CPU: weights with a scale per output, inputs quantized as they come, a scale per row.

A row's scale is its own, so a text's numbers never depend on its neighbours', and the products are whole numbers: they
are the same in any batch. Inputs have a few channels that are far larger than all others; what those are too large by
moves into the weights before both are rounded (SmoothQuant, arxiv.org/abs/2211.10438, with its alpha of 0.5).
"""

import threading
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own convention
from torch import Tensor, nn

from ..precision import layer_number
from .layers.short import ShortLayer

LARGEST = 127
SMALLEST = 1e-5  # of a channel, and of a row's scale


class RowQuantizer:
    """Rows in int8, for all linear layers that read the same tensor: query, key and value quantize it once."""

    def __init__(self, smoothing: Tensor) -> None:
        self.smoothing = smoothing  # [in]: what inputs are divided by, and weights multiplied with
        self._factors = 1 / smoothing
        self._of_thread = threading.local()  # a batch's parts are read side by side (threads.py)

    def smooth(self, inputs: Tensor) -> Tensor:
        """[..., in] -> [R, in] float32."""
        return inputs.reshape(-1, inputs.shape[-1]) * self._factors

    def __call__(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """[..., in] -> int8 [R, in] and the rows' scales, float32 [R, 1]."""
        last, quantized = getattr(self._of_thread, "last", (None, None))
        if quantized is None or last is not inputs:
            quantized = self._quantize(inputs)
            self._of_thread.last = inputs, quantized
        return quantized

    def _quantize(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        rows = self.smooth(inputs)
        scales = rows.abs().amax(1, keepdim=True).div_(LARGEST).clamp_min_(SMALLEST)
        return rows.div_(scales).round_().to(torch.int8), scales


class Int8Linear(nn.Module):
    """An nn.Linear whose product is one of whole numbers."""

    weight: Tensor  # int8 [out, in]
    scales: Tensor  # float32 [out]
    bias: Tensor  # float32 [out], or [1] where there is none

    def __init__(self, linear: nn.Linear, quantize: RowQuantizer) -> None:
        super().__init__()
        weight = linear.weight.detach() * quantize.smoothing
        scales = weight.abs().amax(1).div_(LARGEST).clamp_min_(SMALLEST)
        self.register_buffer("weight", weight.div_(scales[:, None]).round_().to(torch.int8))
        self.register_buffer("scales", scales)
        self.register_buffer("bias", torch.zeros(1) if linear.bias is None else linear.bias.detach())
        self._quantize = quantize

    def forward(self, inputs: Tensor) -> Tensor:
        """[..., in] -> [..., out], both float32."""
        if torch.is_grad_enabled():  # for explanations: rounding has no gradient
            outputs = F.linear(self._quantize.smooth(inputs), self.weight * self.scales[:, None], self.bias)
        else:
            rows, scales = self._quantize(inputs)
            outputs = torch._int_mm(rows, self.weight.t()) * self.scales
            outputs = torch.addcmul(self.bias, outputs, scales, out=outputs)
        return outputs.view(*inputs.shape[:-1], -1)


def quantize_layers(network: nn.Module, kept: Collection[int], run: Callable[[], object]) -> int:
    """Turn the linear layers of the encoder's layers to int8 and return how many; those of `kept` numbers stay.

    `run` has the network read some texts, on one thread; by them it is seen how large each channel becomes.
    """
    _merge_products(network, kept)
    linears = dict(_linears_of_layers(network, kept))
    readers, largest = _watch_inputs(linears, run)
    for first, names in readers.items():
        quantize = RowQuantizer(_smoothing(largest[first], [linears[name].weight for name in names]))
        for name in names:
            parent, _, own = name.rpartition(".")
            setattr(network.get_submodule(parent), own, Int8Linear(linears[name], quantize))
    return sum(map(len, readers.values()))


def _merge_products(network: nn.Module, kept: Collection[int]) -> None:
    """Have one matrix where three read the same tensor: it is a copy all the same."""
    for name, module in network.named_modules():
        if isinstance(module, ShortLayer) and layer_number(name) not in (None, *kept):
            module.merge()


def _linears_of_layers(network: nn.Module, kept: Collection[int]) -> list[tuple[str, nn.Linear]]:
    return [
        (name, module)
        for name, module in network.named_modules()
        if type(module) is nn.Linear and layer_number(name) not in (None, *kept)
    ]


def _watch_inputs(
    linears: Mapping[str, nn.Linear], run: Callable[[], object]
) -> tuple[dict[str, list[str]], dict[str, Tensor]]:
    """Return for the first reader of each tensor all that read it, and how large each channel of it became [in]."""
    readers: dict[str, list[str]] = defaultdict(list)
    largest: dict[str, Tensor] = {}
    last: tuple[Any, str] = (None, "")

    def watch(name: str, inputs: Tensor) -> None:
        nonlocal last
        if inputs is not last[0]:
            last = inputs, name
            found = inputs.reshape(-1, inputs.shape[-1]).abs().amax(0)
            largest[name] = torch.maximum(largest[name], found) if name in largest else found
        if name not in readers[last[1]]:
            readers[last[1]].append(name)

    hooks = [
        linear.register_forward_pre_hook(lambda _, inputs, name=name: watch(name, inputs[0]))
        for name, linear in linears.items()
    ]
    try:
        run()
    finally:
        for hook in hooks:
            hook.remove()
    return dict(readers), largest


def _smoothing(largest: Tensor, weights: Sequence[Tensor]) -> Tensor:
    """The square root of how much larger a channel [in] becomes in the inputs than in the weights [out, in]."""
    of_weights = torch.stack([weight.abs().amax(0) for weight in weights]).amax(0)
    return (largest.clamp_min(SMALLEST) / of_weights.clamp_min(SMALLEST)).sqrt_().clamp_min_(SMALLEST)
