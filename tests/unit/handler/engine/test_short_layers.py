"""Short layers give transformers' own numbers, to the last bit, on transformers' own weights."""

import copy
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import AutoModel

from handler.config import HandlerConfig, Task
from handler.engine.attention import ATTENTION_NAME, register_attention
from handler.engine.layers.short import LAYERS, ShortLayer, shorten_layers
from handler.engine.model import Engine
from handler.engine.packing import bound_rows
from handler.pipeline import Pipeline
from tests.conftest import MakeCheckpoint
from tests.support.checkpoints import ARCHITECTURES

CPU = torch.device("cpu")
SHORTENED = ("bert", "roberta", "xlm-roberta", "camembert", "distilbert", "electra")
LENGTHS = [5, 1, 9]
MERGED = 1e-6  # one product of three times as many outputs adds up in another order


def load(checkpoint: MakeCheckpoint, architecture: str) -> Any:
    register_attention(CPU, torch.float32)
    folder = checkpoint(architecture, Task.EMBEDDINGS)
    return AutoModel.from_pretrained(folder, attn_implementation=ATTENTION_NAME).eval().requires_grad_(False)


def shortened(network: Any) -> Any:
    short = copy.deepcopy(network)
    shorten_layers(short)
    return short


def short_layers(network: Any) -> list[ShortLayer]:
    return [module for module in network.modules() if isinstance(module, ShortLayer)]


def states(network: Any, ids: Tensor, **given: Any) -> Tensor:
    found: Tensor = network(input_ids=ids, **given).last_hidden_state
    return found


@pytest.mark.parametrize("architecture", SHORTENED)
def test_a_stream_and_rows_come_out_as_they_were(checkpoint: MakeCheckpoint, architecture: str) -> None:
    network = load(checkpoint, architecture)
    short = shortened(network)
    assert len(short_layers(short)) == network.config.num_hidden_layers
    ids = torch.arange(10, 10 + sum(LENGTHS))[None]
    bounds = bound_rows(LENGTHS, CPU)
    with torch.inference_mode():
        assert torch.equal(states(short, ids, text_bounds=bounds), states(network, ids, text_bounds=bounds))
        rows = ids.view(3, -1)
        assert torch.equal(states(short, rows), states(network, rows))
        assert not torch.equal(states(short, ids), states(short, ids, text_bounds=bounds))


@pytest.mark.parametrize("architecture", sorted(set(ARCHITECTURES) - set(SHORTENED)))
def test_other_layers_stay_transformers_own(checkpoint: MakeCheckpoint, architecture: str) -> None:
    assert short_layers(shortened(load(checkpoint, architecture))) == []


def test_every_class_that_is_known_is_tried_here(checkpoint: MakeCheckpoint) -> None:
    networks = [load(checkpoint, architecture) for architecture in SHORTENED]
    assert {type(module).__name__ for network in networks for module in network.modules()} >= set(LAYERS)


def test_weights_are_not_copied_until_three_matrices_become_one(checkpoint: MakeCheckpoint) -> None:
    network = load(checkpoint, "bert")
    own = {each.data_ptr() for each in network.parameters()}
    shorten_layers(network)
    assert {each.data_ptr() for each in network.parameters()} == own
    ids = torch.arange(10, 26)[None]
    with torch.inference_mode():
        expected = states(network, ids)
        for layer in short_layers(network):
            layer.merge()
        torch.testing.assert_close(states(network, ids), expected, rtol=0, atol=MERGED)
    copied = [name for name, each in network.named_parameters() if each.data_ptr() not in own]
    assert len(copied) == 2 * network.config.num_hidden_layers
    assert not any(name.endswith(("query.weight", "key.bias")) for name, _ in network.named_parameters())


def test_explanations_get_the_same_gradient(checkpoint: MakeCheckpoint) -> None:
    network = load(checkpoint, "roberta")
    gradients = []
    for each in (network, shortened(network)):
        inputs = each.get_input_embeddings()(torch.arange(10, 20)[None]).detach().requires_grad_()
        each(inputs_embeds=inputs).last_hidden_state.square().sum().backward()
        gradients.append(inputs.grad)
    assert gradients[0] is not None
    torch.testing.assert_close(gradients[1], gradients[0])


def test_a_worker_runs_them_and_reads_no_pooler_for_vectors(checkpoint: MakeCheckpoint) -> None:
    config = HandlerConfig(task=Task.EMBEDDINGS, max_tokens=512)
    pipeline = Pipeline(checkpoint("bert", Task.EMBEDDINGS), config, CPU, Engine.PACKED)
    network = pipeline.model.network
    assert len(short_layers(network)) == network.config.num_hidden_layers
    assert [name for name, _ in network.named_parameters() if name.startswith("pooler")] == []
