"""Forward hooks that leave a head no more of a packed stream than it reads."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from .packing import TextBounds
from .pooling import pool_mean


def keep_first_tokens(module: nn.Module, _: Any, kwargs: dict[str, Any], output: Any) -> Any:
    """Act as forward hook of a base model whose head reads one vector per row: [1, T, H] becomes [N, 1, H].

    Without it transformers' classification classes read the stream as one row and return one result for N texts.
    The vector is a text's first token; for ModernBERT's classifier_pooling "mean" it is the mean of all its tokens,
    and the class's own mean over this one row leaves it as it is.
    """
    bounds: TextBounds | None = kwargs.get("text_bounds")
    if bounds is None:
        return output
    tokens = output.last_hidden_state[0]
    is_mean = getattr(module.config, "classifier_pooling", "cls") == "mean"
    vectors = pool_mean(tokens, bounds).to(tokens.dtype) if is_mean else tokens[bounds.starts]
    output.last_hidden_state = vectors.unsqueeze(1)
    pooler: Any = getattr(module, "pooler", None)
    if pooler is not None:
        # ALBERT alone has the two halves of its pooler apart: a Linear of the first token, and the activation.
        activation = getattr(module, "pooler_activation", None)
        output.pooler_output = activation(pooler(vectors)) if activation else pooler(output.last_hidden_state)
    return output


def keep_masks(mask_token_id: int) -> Callable[[nn.Module, Any, dict[str, Any], Any], Any]:
    """Make a hook of a base model that leaves its masked-LM head only the masks: [rows, L, H] becomes [1, M, H].

    The M masks of all rows, row by row; with TextBounds.slots that many rows, of which the first M are the masks'. The
    head's logits are as wide as the vocabulary: 30 to 250 thousand numbers for a token, and nobody asks for those of
    the others.
    """

    def hook(_: nn.Module, args: Any, kwargs: dict[str, Any], output: Any) -> Any:
        ids: Tensor | None = args[0] if args else kwargs.get("input_ids")
        if ids is None:  # called with inputs_embeds
            return output
        bounds: TextBounds | None = kwargs.get("text_bounds")
        is_mask = ids == mask_token_id
        if bounds is not None and bounds.slots is not None:
            places = torch.nonzero_static(is_mask[0], size=bounds.slots, fill_value=0)[:, 0]
            output.last_hidden_state = output.last_hidden_state[:, places]
        else:
            output.last_hidden_state = output.last_hidden_state[is_mask].unsqueeze(0)
        return output

    return hook
