"""The useful work of a text, held against PyTorch's own count of a real forward pass."""

import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers import BertConfig, BertModel

from bench.work import EncoderShape


def test_work_is_what_torch_counts() -> None:
    config = BertConfig(vocab_size=50, hidden_size=32, num_hidden_layers=3, num_attention_heads=4, intermediate_size=64)
    model = BertModel(config, add_pooling_layer=False).eval()
    model.set_attn_implementation("eager")  # the counter does not see into the CPU's fused attention
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        model(input_ids=torch.ones(1, 17, dtype=torch.long))
    assert EncoderShape.from_config(config.to_dict()).gflop(17) * 1e9 == counter.get_total_flops()
