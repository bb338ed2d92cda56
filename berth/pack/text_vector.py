"""sentence-transformers' modules behind the transformer, with torch alone: pooling, Dense layers, normalization."""

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from handler.config import Pooling

from ..checkpoint_files import WEIGHTS, load_json
from .checkpoint import Checkpoint


def text_vector(checkpoint: Checkpoint, tokens: Tensor) -> Tensor:
    """One text's vector from the vectors of its tokens [tokens, hidden]."""
    poolings = {Pooling.CLS: tokens[0], Pooling.MEAN: tokens.mean(dim=0), Pooling.MAX: tokens.amax(dim=0)}
    vector = poolings[checkpoint.pooling]
    for module in checkpoint.dense:
        vector = _dense(checkpoint.root / module, vector)
    return torch.nn.functional.normalize(vector, dim=0) if checkpoint.normalize else vector


def _dense(module: Path, vector: Tensor) -> Tensor:
    """What a Dense module makes of a vector, read from its own files."""
    weights = {name: tensor.float() for name, tensor in load_file(module / WEIGHTS).items()}
    activation = str(load_json(module / "config.json")["activation_function"]).rpartition(".")[2]
    result: Tensor = getattr(torch.nn, activation)()(
        torch.nn.functional.linear(vector, weights["linear.weight"], weights.get("linear.bias"))
    )
    return result
