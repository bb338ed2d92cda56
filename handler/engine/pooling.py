"""Token vectors to text vectors, as sentence-transformers does it: Pooling, Dense and LayerNorm modules, Normalize.

All of it in float32, whatever the model's own precision is: it costs nothing beside the model.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own convention
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from ..config import Activation, HandlerConfig, Pooling
from ..errors import ConfigError
from .packing import TextBounds


class Pooler:
    """What follows the transformer of an embedding model, its weights on the device."""

    def __init__(self, folder: Path, config: HandlerConfig, device: torch.device) -> None:
        self._poolings = [POOLINGS[pooling] for pooling in config.pooling]
        modules = [load_module(folder / name) for name in config.dense]
        self._modules = nn.Sequential(*modules).to(device)
        self._last_width = _width(modules[-1]) if modules else None
        self._normalize = config.normalize

    def __call__(self, states: Tensor, bounds: TextBounds) -> Tensor:
        """Token vectors [T, H] of the texts within these bounds -> text vectors [N, D] float32."""
        pooled = torch.cat([pool(states, bounds) for pool in self._poolings], dim=1)
        vectors: Tensor = self._modules(pooled)
        return F.normalize(vectors, dim=1) if self._normalize else vectors

    def vector_size(self, hidden: int) -> int:
        """Numbers of a text's vector (D), for a model whose token vectors have `hidden`."""
        return self._last_width or hidden * len(self._poolings)


def _pool_first(states: Tensor, bounds: TextBounds) -> Tensor:
    return states[bounds.starts].float()


def pool_mean(states: Tensor, bounds: TextBounds) -> Tensor:
    """Token vectors [T, H] of the texts within these bounds -> their means [N, H], summed in float32."""
    return torch.segment_reduce(states.float(), "mean", lengths=bounds.counts, unsafe=True)


def _pool_max(states: Tensor, bounds: TextBounds) -> Tensor:
    return torch.segment_reduce(states.float(), "max", lengths=bounds.counts, unsafe=True)


def _pool_mean_sqrt(states: Tensor, bounds: TextBounds) -> Tensor:
    return pool_mean(states, bounds) * bounds.counts.sqrt()[:, None]


def _pool_weighted(states: Tensor, bounds: TextBounds) -> Tensor:
    """A token counts as many times as its place says: the first once, the last as often as there are tokens."""
    rows = torch.arange(len(states), device=states.device)
    ends = bounds.offsets[1:].long()
    text_of_row = torch.searchsorted(ends, rows, right=True).clamp(max=len(ends) - 1)  # behind the last: no text's
    places = rows - bounds.starts[text_of_row] + 1
    sums = torch.segment_reduce(states.float() * places[:, None], "sum", lengths=bounds.counts, unsafe=True)
    return sums / (bounds.counts * (bounds.counts + 1) / 2)[:, None]


def _pool_last(states: Tensor, bounds: TextBounds) -> Tensor:
    return states[bounds.offsets[1:].long() - 1].float()


POOLINGS: dict[Pooling, Callable[[Tensor, TextBounds], Tensor]] = {
    Pooling.CLS: _pool_first,
    Pooling.MAX: _pool_max,
    Pooling.MEAN: pool_mean,
    Pooling.MEAN_SQRT_LEN: _pool_mean_sqrt,
    Pooling.WEIGHTED_MEAN: _pool_weighted,
    Pooling.LAST: _pool_last,
}


def load_module(folder: Path) -> nn.Module:
    """sentence-transformers' Dense or LayerNorm module, told apart by their settings; ConfigError if unreadable."""
    try:
        config = json.loads((folder / "config.json").read_bytes())
        weights = load_file(folder / "model.safetensors")
        module = _layer_norm(config, weights) if "dimension" in config else _dense(config, weights)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError, SafetensorError) as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise ConfigError(f"cannot read the module in {folder}: {reason}; pack the checkpoint again") from error
    return module.requires_grad_(False)


def _dense(config: dict[str, Any], weights: dict[str, Tensor]) -> nn.Module:
    """A matrix, perhaps a bias, an activation: Tanh where none is named."""
    linear = nn.Linear(config["in_features"], config["out_features"], bias=config.get("bias", True))
    linear.load_state_dict({name.removeprefix("linear."): weight for name, weight in weights.items()})
    activation = Activation(config.get("activation_function", Activation.TANH).rpartition(".")[2])
    return nn.Sequential(linear, getattr(nn, activation)())


def _layer_norm(config: dict[str, Any], weights: dict[str, Tensor]) -> nn.Module:
    norm = nn.LayerNorm(config["dimension"])
    norm.load_state_dict({name.removeprefix("norm."): weight for name, weight in weights.items()})
    return norm


def _width(module: nn.Module) -> int:
    """Numbers that a module puts out: as many as its last parameter has rows."""
    *_, last = module.parameters()
    return len(last)
