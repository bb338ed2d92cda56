"""sentence-transformers' modules behind the transformer, with torch alone: poolings, Dense and LayerNorm, Normalize."""

import math
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from handler.config import Pooling

from ...checkpoint_files import WEIGHTS, load_json
from ..checkpoint import Checkpoint


def text_vector(checkpoint: Checkpoint, tokens: Tensor) -> Tensor:
    """One text's whole vector [D], before truncate_dim, from the vectors of its tokens [tokens, hidden]."""
    vector = torch.cat([_pooled(pooling, tokens) for pooling in checkpoint.pooling])
    for module in checkpoint.dense:
        vector = after_module(checkpoint.root / module, vector)
    return torch.nn.functional.normalize(vector, dim=0) if checkpoint.normalize else vector


def _pooled(pooling: Pooling, tokens: Tensor) -> Tensor:
    match pooling:
        case Pooling.CLS:
            return tokens[0]
        case Pooling.LAST:
            return tokens[-1]
        case Pooling.MAX:
            return tokens.amax(dim=0)
        case Pooling.MEAN:
            return tokens.mean(dim=0)
        case Pooling.MEAN_SQRT_LEN:
            return tokens.sum(dim=0) / math.sqrt(len(tokens))
        case Pooling.WEIGHTED_MEAN:
            weights = torch.arange(1.0, len(tokens) + 1)
            return torch.mv(tokens.T, weights / weights.sum())


def after_module(module: Path, vector: Tensor) -> Tensor:
    """What a Dense or a LayerNorm module makes of a vector, or a Dense one of rows of them; read from its own files."""
    weights = {name.removeprefix("linear."): tensor.float() for name, tensor in load_file(module / WEIGHTS).items()}
    if "norm.weight" in weights:
        return torch.nn.functional.layer_norm(vector, vector.shape, weights["norm.weight"], weights["norm.bias"])
    activation: Any = load_json(module / "config.json").get("activation_function", "Tanh")
    result: Tensor = getattr(torch.nn, activation.rpartition(".")[2])()(
        torch.nn.functional.linear(vector, weights["weight"], weights.get("bias"))
    )
    return result
