"""BigBird's sparse attention is refused where a text may be long enough for it."""

import pytest

from berth.errors import Refused
from berth.pack.check.attention import check_attention

BIG_BIRD = {"model_type": "big_bird", "attention_type": "block_sparse", "block_size": 64, "num_random_blocks": 3}


@pytest.mark.parametrize(
    ("settings", "max_tokens", "longest"),
    [({}, 4096, 704), ({}, 705, 704), ({"block_size": 16}, 177, 176), ({"num_random_blocks": 2}, 577, 576)],
)
def test_what_a_text_gets_must_not_depend_on_those_before_it(tmp_path, settings, max_tokens, longest):
    with pytest.raises(Refused, match=rf'write "attention_type": "original_full" .* model_max_length to {longest} in'):
        check_attention(tmp_path / "config.json", BIG_BIRD | settings, max_tokens)


def test_it_is_transformers_default(tmp_path):
    with pytest.raises(Refused, match="block_sparse"):
        check_attention(tmp_path / "config.json", {"model_type": "big_bird"}, 4096)


@pytest.mark.parametrize(
    ("settings", "max_tokens"), [({}, 704), ({"attention_type": "original_full"}, 4096), ({"model_type": "bert"}, 4096)]
)
def test_full_attention_is_taken(tmp_path, settings, max_tokens):
    check_attention(tmp_path / "config.json", BIG_BIRD | settings, max_tokens)
