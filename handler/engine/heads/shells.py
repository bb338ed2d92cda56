"""Further heads behind one encoder: transformers' own class for each, with the encoder taken out.

The encoder reads a batch once; every head then reads what it said, and their logits stand side by side. Of BERT-base a
head is a matrix of [768, 768] and one of [labels, 768] for each text, where the encoder has 85 million numbers for each
token.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from transformers.modeling_outputs import BaseModelOutputWithPooling

from ...config import HandlerConfig
from ...errors import ConfigError
from ...tasks.heads import head_configs, head_folder
from ..placement import Placement

WEIGHTS = "head.safetensors"


class Said(nn.Module):
    """Stands in a head's model where its encoder was: what the encoder said comes in as inputs_embeds."""

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.pooler: Any = getattr(encoder, "pooler", None)
        self.pooler_activation: Any = getattr(encoder, "pooler_activation", None)

    def forward(self, *_: Any, inputs_embeds: Tensor, **__: Any) -> BaseModelOutputWithPooling:
        """Last states [N, L, H], or [N, 1, H] of first tokens -> the same, pooled by the head's own pooler."""
        pooled = None
        if self.pooler_activation is not None:  # ALBERT alone has the two halves of its pooler apart
            pooled = self.pooler_activation(self.pooler(inputs_embeds[:, 0]))
        elif self.pooler is not None:
            pooled = self.pooler(inputs_embeds)
        return BaseModelOutputWithPooling(last_hidden_state=inputs_embeds, pooler_output=pooled)


def attach_heads(network: Any, checkpoint: Path, config: HandlerConfig, auto_class: Any, placement: Placement) -> None:
    """Have the network's logits [..., own] become [..., all heads], in the order of `config.heads`.

    It comes after what the readout attaches: heads of texts are to get the first tokens of a stream, and not the whole.
    """
    if len(config.heads) < 2:
        return
    configs = head_configs(checkpoint, network.config, config.heads)
    shells = [
        make_shell(network, auto_class, each, load_file(head_folder(checkpoint, name) / WEIGHTS), placement)
        for name, each in zip(config.heads[1:], configs[1:], strict=True)
    ]
    network.base_model.register_forward_hook(_keep_states)
    network.register_forward_hook(_ask(shells), with_kwargs=True)


def make_shell(
    network: Any, auto_class: Any, hf_config: Any, weights: dict[str, Tensor], placement: Placement
) -> nn.Module:
    """Make a head's model without its encoder; what `weights` has not is the network's own, and is shared."""
    with torch.device("meta"):
        shell: Any = auto_class.from_config(hf_config)
    setattr(shell, shell.base_model_prefix, Said(shell.base_model))
    own = {name: tensor for name, tensor in network.state_dict().items() if name not in weights}
    given = {name: tensor.to(placement.device, placement.dtype) for name, tensor in weights.items()}
    wanted = shell.state_dict().keys()
    found = {name: tensor for name, tensor in (own | given).items() if name in wanted}
    if missing := sorted(wanted - found.keys()) or sorted(given.keys() - wanted):
        raise ConfigError(f"a head's weights do not fit its class: {missing[0]}; pack the checkpoint again")
    shell.load_state_dict(found, assign=True)
    return shell.eval().requires_grad_(requires_grad=False)  # type: ignore[no-any-return]


def _keep_states(_: nn.Module, __: Any, output: Any) -> Any:
    """Act as forward hook of the encoder: transformers' classes hand its hidden_states on, whatever they hold."""
    output.hidden_states = (output.last_hidden_state,)
    return output


def _ask(shells: list[nn.Module]) -> Callable[[nn.Module, Any, dict[str, Any], Any], Any]:
    """Make a forward hook of a network that puts the logits of other heads behind its own."""

    def hook(_: nn.Module, __: Any, kwargs: dict[str, Any], output: Any) -> Any:
        (states,) = output.hidden_states
        mask = kwargs.get("attention_mask")
        others = [shell(inputs_embeds=states, attention_mask=mask).logits for shell in shells]
        output.logits, output.hidden_states = torch.cat([output.logits, *others], -1), None
        return output

    return hook
