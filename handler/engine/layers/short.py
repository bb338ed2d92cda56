"""BERT's encoder layer in as few calls as its arithmetic needs, with the weights and the numbers of transformers' own.

A short text's pass waits for calls: transformers makes some forty for each layer, through a dozen modules. The same
layer has another class in each of its architectures, so it is told by that class and by where its parts lie in it.
The known answers prove it at each load, like all of the model.
"""

from dataclasses import dataclass, fields
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own convention
from torch import Tensor, nn
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from ..attention import ATTENTION_NAME
from ..packing import TextBounds


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Where the parts of a layer lie in transformers' module."""

    query: str
    key: str
    value: str
    mix: str
    """The matrix behind attention."""
    mix_norm: str
    up: str
    activation: str
    down: str
    norm: str
    heads: str


BERT = Parts(
    query="attention.self.query",
    key="attention.self.key",
    value="attention.self.value",
    mix="attention.output.dense",
    mix_norm="attention.output.LayerNorm",
    up="intermediate.dense",
    activation="intermediate.intermediate_act_fn",
    down="output.dense",
    norm="output.LayerNorm",
    heads="attention.self.num_attention_heads",
)
DISTILBERT = Parts(
    query="attention.q_lin",
    key="attention.k_lin",
    value="attention.v_lin",
    mix="attention.out_lin",
    mix_norm="sa_layer_norm",
    up="ffn.lin1",
    activation="ffn.activation",
    down="ffn.lin2",
    norm="output_layer_norm",
    heads="attention.n_heads",
)
LAYERS = {
    "BertLayer": BERT,
    "CamembertLayer": BERT,
    "ElectraLayer": BERT,
    "RobertaLayer": BERT,
    "TransformerBlock": DISTILBERT,
    "XLMRobertaLayer": BERT,
}
"""Classes of transformers, by name, whose forward pass is ShortLayer's."""


class ShortLayer(nn.Module):
    """One encoder layer on a CPU, of texts in a stream, or of rows without padding."""

    query: nn.Linear
    key: nn.Linear
    value: nn.Linear
    merged: nn.Module | None
    """Query, key and value as one product; None where they are three."""
    mix: nn.Module
    mix_norm: nn.LayerNorm
    up: nn.Module
    activation: nn.Module
    down: nn.Module
    norm: nn.LayerNorm

    def __init__(self, layer: nn.Module, parts: Parts) -> None:
        super().__init__()
        found = {part.name: _part(layer, getattr(parts, part.name)) for part in fields(parts)}
        self._heads = int(found.pop("heads"))
        for name, module in found.items():
            self.add_module(name, module)
        self.merged = None

    def merge(self) -> None:
        """Have one matrix for query, key and value: a copy of their weights, which are given up."""
        products = [self.query, self.key, self.value]
        merged = nn.Linear(self.query.in_features, sum(each.out_features for each in products), device="meta")
        for name in ("weight", "bias"):
            joined = torch.cat([getattr(each, name) for each in products])
            setattr(merged, name, nn.Parameter(joined, requires_grad=False))
        del self.query, self.key, self.value
        self.merged = merged

    def forward(self, states: Tensor, *_: Any, text_bounds: TextBounds | None = None, **__: Any) -> Tensor:
        """Hidden states [rows, L, H] -> those of the next layer; `text_bounds`: of the texts in one row."""
        attend = ALL_ATTENTION_FUNCTIONS[ATTENTION_NAME]
        seen, _nothing = attend(self, *self._project(states), None, text_bounds=text_bounds)
        states = _normalize(self.mix_norm, self.mix(seen.reshape(states.shape)).add_(states))
        return _normalize(self.norm, self.down(self.activation(self.up(states))).add_(states))

    def _project(self, states: Tensor) -> tuple[Tensor, ...]:
        """[rows, L, H] -> query, key and value, each [rows, heads, L, size]."""
        rows, length, _ = states.shape
        if self.merged is not None:
            together: Tensor = self.merged(states).view(rows, length, 3, self._heads, -1)
            return together.permute(2, 0, 3, 1, 4).unbind(0)
        apart = (product(states).view(rows, length, self._heads, -1) for product in (self.query, self.key, self.value))
        return tuple(each.transpose(1, 2) for each in apart)


def shorten_layers(network: nn.Module) -> None:
    """Put a ShortLayer in the place of each layer that LAYERS knows; others stay as they are."""
    known = [(name, module) for name, module in network.named_modules() if type(module).__name__ in LAYERS]
    for name, layer in known:
        parent, _, own = name.rpartition(".")
        setattr(network.get_submodule(parent), own, ShortLayer(layer, LAYERS[type(layer).__name__]))


def _part(layer: nn.Module, name: str) -> Any:
    parent, _, own = name.rpartition(".")
    return getattr(layer.get_submodule(parent), own)


def _normalize(norm: nn.LayerNorm, states: Tensor) -> Tensor:
    """nn.LayerNorm without its module's call."""
    return F.layer_norm(states, norm.normalized_shape, norm.weight, norm.bias, norm.eps)
