"""Late interaction: a vector of length 1 for each token, of which the checkpoint's modules make it."""

from pathlib import Path
from typing import Any

import torch.nn.functional as F  # noqa: N812 - torch's own convention
from torch import Tensor, nn
from transformers import AutoModel

from ...config import HandlerConfig
from ...text.tokenization import Tokenizer
from ..placement import Placement
from ..pooling import load_module
from .base import ByToken, Seen


class LateReadout(ByToken):
    """Vectors of each token [T, width]."""

    auto_class = AutoModel
    is_large = True

    def __init__(self, folder: Path, config: HandlerConfig, placement: Placement, _: Tokenizer) -> None:
        assert config.vectors is not None
        modules = (load_module(folder / name) for name in config.vectors.modules)
        self._modules = nn.Sequential(*modules).to(placement.device)

    def attach(self, network: Any) -> None:
        if isinstance(getattr(network, "pooler", None), nn.Module):
            network.pooler = nn.Identity()  # nobody reads it

    def read(self, output: Any, seen: Seen) -> Tensor:
        return F.normalize(self._modules(seen.tokens(output.last_hidden_state).float()), dim=1)
