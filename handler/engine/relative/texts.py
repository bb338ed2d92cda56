"""Which texts a network is reading, for modules that transformers does not tell."""

import threading
from collections.abc import Callable, Iterable
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own convention
from torch import Tensor, nn

from ..packing import TextBounds

BiasOf = Callable[[Tensor, Tensor], Tensor | None]
"""A text's query and key [1, heads, L, head_size] -> what is added to its scores [1, heads, L, L], after scaling."""


class TextsRead:
    """The bounds of the texts that one network reads now, on each thread; a batch's parts are read side by side."""

    def __init__(self, network: nn.Module) -> None:
        """Follow `network`'s passes: what it is called with (text_bounds) reaches its base model too."""
        self._of_thread = threading.local()
        network.register_forward_pre_hook(self._begin, with_kwargs=True)
        network.register_forward_hook(self._end, always_call=True)
        base: Any = getattr(network, "base_model", network)
        if base is not network:
            base.register_forward_pre_hook(self._tell, with_kwargs=True)

    @property
    def bounds(self) -> TextBounds | None:
        """None where whole rows are read, as transformers does."""
        return getattr(self._of_thread, "bounds", None)

    def _begin(self, _: nn.Module, __: Any, kwargs: dict[str, Any]) -> None:
        self._of_thread.bounds = kwargs.get("text_bounds")

    def _end(self, *_: Any) -> None:
        self._of_thread.bounds = None

    def _tell(self, _: nn.Module, args: Any, kwargs: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        """Hand the bounds on, which transformers' heads do not."""
        return args, kwargs | {"text_bounds": self.bounds}


def attend_with_bias(heads: Iterable[Tensor], bounds: TextBounds, scale: float, bias_of: BiasOf) -> Tensor:
    """Attend within each text of a stream: query, key and value [1, heads, T, head_size] -> [1, T, H]."""
    parts = zip(*(torch.split(tensor, bounds.lengths, 2) for tensor in heads), strict=True)
    attended = [F.scaled_dot_product_attention(q, k, v, attn_mask=bias_of(q, k), scale=scale) for q, k, v in parts]
    return torch.cat(attended, 2).transpose(1, 2).flatten(2)
