"""DeBERTa-v2's and -v3's attention on a packed stream: content to position and position to content, by text.

transformers projects all 2 * 256 relative positions in each layer, and gathers from the products. Here those that the
longest text has are projected, in the order of their distances, so that a text's scores lie in its products already:
one line of the scores is one line of the products, one place further on.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from transformers.models.deberta_v2.modeling_deberta_v2 import (
    ConvLayer,
    DebertaV2Encoder,
    DisentangledSelfAttention,
    make_log_bucket_position,
)

from .texts import TextsRead, attend_with_bias


class PackedAttention(DisentangledSelfAttention):
    """transformers' own weights; texts kept apart where the network reads a stream of them."""

    texts: TextsRead

    def forward(self, hidden_states: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, Any]:
        """As transformers' own; `relative_pos` is what PackedEncoder.get_rel_pos gives."""
        own: Any = super()
        bounds = self.texts.bounds
        if bounds is None:
            attended: tuple[Tensor, Any] = own.forward(hidden_states, *args, **kwargs)
            return attended
        projections = (self.query_proj, self.key_proj, self.value_proj)
        heads = (self._by_head(project(hidden_states)) for project in projections)
        scale = (self.attention_head_size * (1 + len({"c2p", "p2c"} & set(self.pos_att_type)))) ** -0.5
        rows = kwargs["relative_pos"]
        bias = RelativeBias() if rows is None else self._bias(rows, kwargs["rel_embeddings"], scale)
        return attend_with_bias(heads, bounds, scale, bias), None

    def _by_head(self, states: Tensor) -> Tensor:
        """[1, R, H] -> [1, heads, R, head_size]."""
        return states.view(*states.shape[:-1], -1, self.attention_head_size).transpose(1, 2)

    def _bias(self, rows: Tensor, embeddings: Tensor, scale: float) -> "RelativeBias":
        """Project the relative positions [2 * S, H] that the texts have; `rows`: that of each distance, falling."""
        first, last = int(rows[-1]), int(rows[0])
        seen = embeddings[first : last + 1].unsqueeze(0)

        def by_distance(project: Any, places: Tensor) -> Tensor:
            """Project them once each, and lay them out by distance: [heads, head_size, 2 * L - 1]."""
            return (self._by_head(project(seen))[0] * scale).transpose(1, 2).index_select(2, places)

        keys, queries = (self.key_proj, self.query_proj) if self.share_att_key else self._of_positions()
        return RelativeBias(
            keys=by_distance(keys, rows - first) if "c2p" in self.pos_att_type else None,
            queries=by_distance(queries, rows.flip(0) - first) if "p2c" in self.pos_att_type else None,
        )

    def _of_positions(self) -> tuple[Any, Any]:
        """Projections of positions alone; None for one that the checkpoint does not use."""
        return getattr(self, "pos_key_proj", None), getattr(self, "pos_query_proj", None)


@dataclass(frozen=True, slots=True, kw_only=True)
class RelativeBias:
    """One layer's positions, scaled, for any text up to the longest; each [heads, head_size, 2 * L - 1]."""

    keys: Tensor | None = None
    """Of content to position, the distance i - j falling from L - 1."""
    queries: Tensor | None = None
    """Of position to content, the distance rising to L - 1."""

    def __call__(self, query: Tensor, key: Tensor) -> Tensor | None:
        """A text's query and key [1, heads, l, head_size] -> its scores by distance [1, heads, l, l]."""
        scores = [] if self.keys is None else [along_lines(query[0] @ _middle(self.keys, query.shape[2]))]
        if self.queries is not None:
            scores.append(along_lines(key[0] @ _middle(self.queries, key.shape[2])).transpose(1, 2))
        return sum(scores[1:], scores[0]).unsqueeze(0) if scores else None


def along_lines(products: Tensor) -> Tensor:
    """Products with each distance [heads, l, 2 * l - 1] -> with each token [heads, l, l], without a copy.

    Line i of the result begins at place l - 1 - i of its line of products.
    """
    heads, length, width = products.shape
    shape, strides = (heads, length, length), (length * width, width - 1, 1)
    return products.as_strided(shape, strides, products.storage_offset() + length - 1)


def _middle(positions: Tensor, length: int) -> Tensor:
    """Those of a text of `length` tokens among the longest text's."""
    longest = (positions.shape[2] + 1) // 2
    return positions[:, :, longest - length : longest + length - 1]


class PackedEncoder(DebertaV2Encoder):
    """transformers' own, without what it makes for each pair of tokens of the stream."""

    texts: TextsRead

    def get_attention_mask(self, attention_mask: Tensor) -> Tensor:
        """The mask as it came: no text sees another."""
        own: Any = super()
        mask: Tensor = attention_mask if self.texts.bounds else own.get_attention_mask(attention_mask)
        return mask

    def get_rel_pos(self, hidden_states: Tensor, *args: Any, **kwargs: Any) -> Tensor | None:
        """Rows of the relative embeddings [2 * L - 1] int64, for the distances L - 1 to 1 - L of the longest text."""
        own: Any = super()
        bounds = self.texts.bounds
        if bounds is None or not self.relative_attention:
            pairs: Tensor | None = own.get_rel_pos(hidden_states, *args, **kwargs)
            return pairs
        distances = torch.arange(bounds.longest - 1, -bounds.longest, -1, device=hidden_states.device)
        half = self.position_buckets if self.position_buckets > 0 else self.max_relative_positions
        if self.position_buckets > 0:
            distances = make_log_bucket_position(distances, half, self.max_relative_positions).long()
        return (distances + half).clamp(0, 2 * half - 1)


class PackedConvolution(ConvLayer):
    """transformers' own, which would mix the ends of neighbours in the stream."""

    texts: TextsRead

    def forward(self, hidden_states: Tensor, residual_states: Tensor, input_mask: Tensor) -> Tensor:
        """Each text by itself; [1, T, H]."""
        own: Any = super()
        bounds = self.texts.bounds
        lengths = [hidden_states.shape[1]] if bounds is None else bounds.lengths
        states = (torch.split(each, lengths, 1) for each in (hidden_states, residual_states, input_mask))
        return torch.cat([own.forward(*text) for text in zip(*states, strict=True)], 1)


PACKED: tuple[type[nn.Module], ...] = (PackedAttention, PackedEncoder, PackedConvolution)
