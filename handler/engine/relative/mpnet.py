"""MPNet's attention on a packed stream: a bias for each distance, the same in all layers."""

from typing import Any

from torch import Tensor, nn
from transformers.models.mpnet.modeling_mpnet import MPNetEncoder, MPNetSelfAttention

from .texts import TextsRead, attend_with_bias


class PackedAttention(MPNetSelfAttention):
    """transformers' own weights; texts kept apart where the network reads a stream of them."""

    texts: TextsRead

    def forward(
        self, hidden_states: Tensor, attention_mask: Any = None, position_bias: Any = None, *args: Any, **kwargs: Any
    ) -> tuple[Tensor, ...]:
        """As transformers' own; the encoder gives the longest text's bias [1, heads, L, L]."""
        own: Any = super()
        bounds = self.texts.bounds
        if bounds is None:
            found: tuple[Tensor, ...] = own.forward(hidden_states, attention_mask, position_bias, *args, **kwargs)
            return found
        shape = (*hidden_states.shape[:-1], -1, self.attention_head_size)
        heads = (project(hidden_states).view(shape).transpose(1, 2) for project in (self.q, self.k, self.v))

        def of_text(query: Tensor, _: Tensor) -> Tensor:
            of_longest: Tensor = position_bias
            return of_longest[..., : query.shape[2], : query.shape[2]]

        return (self.o(attend_with_bias(heads, bounds, self.attention_head_size**-0.5, of_text)),)


class PackedEncoder(MPNetEncoder):
    """transformers' own, with a bias for the longest text in the place of one for the whole stream."""

    texts: TextsRead

    def compute_position_bias(self, x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        """States [1, T, H] -> [1, heads, L, L], where L is the longest text's length."""
        own: Any = super()
        bounds = self.texts.bounds
        bias: Tensor = own.compute_position_bias(x if bounds is None else x[:, : bounds.longest], *args, **kwargs)
        return bias


PACKED: tuple[type[nn.Module], ...] = (PackedAttention, PackedEncoder)
