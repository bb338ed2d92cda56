"""Token vectors to text vectors, as sentence-transformers does it: Pooling, then Dense modules, then Normalize.

All of it in float32, whatever the model's own precision is: it costs nothing beside the model.
"""

import json
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own convention
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from ..config import Activation, HandlerConfig, Pooling
from ..errors import ConfigError


class Pooler:
    """What follows the transformer of an embedding model, its Dense weights on the device."""

    def __init__(self, folder: Path, config: HandlerConfig, device: torch.device) -> None:
        self._pool = POOLINGS[config.pooling]
        dense = [load_dense(folder / name) for name in config.dense]
        self._dense = nn.Sequential(*dense).to(device)
        self._normalize = config.normalize
        self.vector_size = int(dense[-1][0].out_features) if dense else None  # type: ignore[arg-type]  # a Linear's
        """Numbers of a text's vector; None for as many as the model's own."""

    def __call__(self, states: Tensor, lengths: Tensor) -> Tensor:
        """Token vectors [T, H] of texts with these lengths [N], 1 or more each -> text vectors [N, D] float32."""
        vectors: Tensor = self._dense(self._pool(states, lengths))
        return F.normalize(vectors, dim=1) if self._normalize else vectors


def _pool_first(states: Tensor, lengths: Tensor) -> Tensor:
    return states[lengths.cumsum(0) - lengths].float()


def pool_mean(states: Tensor, lengths: Tensor) -> Tensor:
    """Token vectors [T, H] of texts with these lengths [N] -> their means [N, H], summed in float32."""
    return torch.segment_reduce(states.float(), "mean", lengths=lengths.long(), unsafe=True)


def _pool_max(states: Tensor, lengths: Tensor) -> Tensor:
    return torch.segment_reduce(states.float(), "max", lengths=lengths.long(), unsafe=True)


POOLINGS: dict[Pooling, Callable[[Tensor, Tensor], Tensor]] = {
    Pooling.CLS: _pool_first,
    Pooling.MAX: _pool_max,
    Pooling.MEAN: pool_mean,
}


def load_dense(folder: Path) -> nn.Sequential:
    """sentence-transformers' Dense module: a matrix, perhaps a bias, an activation; ConfigError if it is unreadable."""
    try:
        config = json.loads((folder / "config.json").read_bytes())
        weights = load_file(folder / "model.safetensors")
        linear = nn.Linear(config["in_features"], config["out_features"], bias=config.get("bias", True))
        linear.load_state_dict({name.removeprefix("linear."): weight for name, weight in weights.items()})
        activation = getattr(nn, Activation(config["activation_function"].rpartition(".")[2]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError, SafetensorError) as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise ConfigError(f"cannot read the Dense module in {folder}: {reason}; pack the checkpoint again") from error
    return nn.Sequential(linear, activation()).requires_grad_(False)
