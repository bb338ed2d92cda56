"""int8 against float32: near it, alike in any batch, and never wrong without a word."""

import copy

import pytest
import torch
from torch import Tensor, nn

from handler.engine.int8 import Int8Linear, RowQuantizer, quantize_layers

ROWS, INPUTS, OUTPUTS = 40, 64, 96
QUERY_TO_FEED_FORWARD = 6  # query, key, value, their output, and the two of the feed-forward network


class Layer(nn.Module):
    """Three linear layers that read one tensor, and one that reads what becomes of them."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.query, self.key, self.value, self.output = (nn.Linear(width, width) for _ in range(4))

    def forward(self, inputs: Tensor) -> Tensor:
        mixed: Tensor = self.output(self.query(inputs).tanh() * self.key(inputs) + self.value(inputs))
        return mixed


class Network(nn.Module):
    """An encoder of three layers, and a head outside them."""

    def __init__(self, width: int = INPUTS) -> None:
        super().__init__()
        self.layer = nn.ModuleList(Layer(width) for _ in range(3))
        self.head = nn.Linear(width, 2)

    def forward(self, inputs: Tensor) -> Tensor:
        for layer in self.layer:
            inputs = layer(inputs)
        logits: Tensor = self.head(inputs)
        return logits


@pytest.fixture(autouse=True)
def seed() -> None:
    torch.manual_seed(1)


def one_linear(*, smoothing: Tensor | None = None) -> tuple[nn.Linear, Int8Linear]:
    linear = nn.Linear(INPUTS, OUTPUTS)
    return linear, Int8Linear(linear, RowQuantizer(torch.ones(INPUTS) if smoothing is None else smoothing))


def error_of(found: Tensor, expected: Tensor) -> float:
    return float((found - expected).norm() / expected.norm())


def test_whole_numbers_come_out_exactly() -> None:
    """Weights of 127, inputs of 127: nothing is rounded, and 127 x 127 x 2 + 1 is the product by hand."""
    linear = nn.Linear(2, 1)
    with torch.no_grad():
        linear.weight.fill_(127.0)
        linear.bias.fill_(1.0)
    with torch.inference_mode():
        assert Int8Linear(linear, RowQuantizer(torch.ones(2)))(torch.full((1, 2), 127.0)).item() == 127 * 127 * 2 + 1


def test_it_is_near_float32() -> None:
    linear, fast = one_linear()
    inputs = torch.randn(2, ROWS, INPUTS)
    with torch.inference_mode():
        assert 0 < error_of(fast(inputs), linear(inputs)) < 0.02
        assert fast(inputs).shape == (2, ROWS, OUTPUTS)


def test_a_row_is_the_same_to_the_last_bit_whatever_is_beside_it() -> None:
    _, fast = one_linear()
    inputs = torch.randn(ROWS, INPUTS)
    with torch.inference_mode():
        together = fast(inputs)
        inputs[1:] *= 1000
        assert torch.equal(fast(inputs[:1].clone())[0], together[0])
        assert torch.equal(fast(inputs.clone())[0], together[0])


def test_zeros_give_the_bias_and_what_is_not_finite_stays_so() -> None:
    linear, fast = one_linear()
    with torch.inference_mode():
        assert torch.equal(fast(torch.zeros(1, INPUTS))[0], linear.bias)
        assert not fast(torch.full((1, INPUTS), torch.nan)).isfinite().any()


def test_a_channel_that_is_far_larger_than_others_does_not_drown_them() -> None:
    network, plain = Layer(INPUTS), Layer(INPUTS)
    plain.load_state_dict(network.state_dict())
    inputs = torch.randn(ROWS, INPUTS)
    inputs[:, 3] *= 100
    wrapped = nn.ModuleDict({"layer": nn.ModuleList([network])})
    with torch.inference_mode():
        quantize_layers(wrapped, (), lambda: network(inputs))
        unsmoothed = Int8Linear(plain.query, RowQuantizer(torch.ones(INPUTS)))
        assert error_of(network.query(inputs), plain.query(inputs)) < 0.5 * error_of(
            unsmoothed(inputs), plain.query(inputs)
        )


def test_layers_are_turned_and_the_head_and_those_that_are_kept_are_not() -> None:
    network = Network()
    inputs = torch.randn(ROWS, INPUTS)
    with torch.inference_mode():
        expected = network(inputs)
        assert quantize_layers(network, (0,), lambda: network(inputs)) == 2 * 4
        assert 0 < error_of(network(inputs), expected) < 0.1
    assert type(network.head) is nn.Linear
    assert not any(isinstance(module, Int8Linear) for module in network.layer[0].modules())
    assert all(isinstance(module, Int8Linear) for module in network.layer[1].children())


def test_what_reads_one_tensor_rounds_it_once() -> None:
    network = Network()
    inputs = torch.randn(ROWS, INPUTS)
    with torch.inference_mode():
        quantize_layers(network, (), lambda: network(inputs))
    query, key, value, output = (child._quantize for child in network.layer[0].children())
    assert query is key is value is not output


def test_a_network_without_numbered_layers_stays_as_it_is() -> None:
    network = nn.ModuleDict({"head": nn.Linear(2, 2)})
    assert quantize_layers(network, (), lambda: None) == 0


def test_explanations_get_their_gradient() -> None:
    linear, fast = one_linear()
    inputs = torch.randn(3, INPUTS, requires_grad=True)
    expected = copy.deepcopy(inputs)
    fast(inputs).sum().backward()
    linear(expected).sum().backward()
    assert inputs.grad is not None
    assert expected.grad is not None
    assert error_of(inputs.grad, expected.grad) < 0.02
