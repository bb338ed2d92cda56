"""Attention that transformers computes otherwise for one text than for the next.

BigBird's block-sparse attention is that of long texts alone: transformers turns it off at the first short text, for
every later one too (transformers 5.23, BigBirdModel.forward). What a text gets would depend on those before it.
"""

from collections.abc import Mapping
from pathlib import Path

from ...errors import Refused

BIG_BIRD = "big_bird"
SPARSE, FULL = "block_sparse", "original_full"
BLOCK_TOKENS, RANDOM_BLOCKS = 64, 3  # transformers' own where config.json has none
FIXED_BLOCKS = 5  # a block's two neighbours and itself, the first and the last


def check_attention(config_file: Path, config: Mapping[str, object], max_tokens: int) -> None:
    """Refuse sparse attention where a text may be long enough for it."""
    if config.get("model_type") != BIG_BIRD or config.get("attention_type", SPARSE) != SPARSE:
        return
    longest = _longest_of_full(config)
    if max_tokens > longest:
        raise Refused(
            f'{config_file}: attention_type is "{SPARSE}", which transformers leaves for every later text once one has '
            f"at most {longest} tokens, so that an answer would depend on the texts before it: write "
            f'"attention_type": "{FULL}" there, or set model_max_length to {longest} in tokenizer_config.json'
        )


def _longest_of_full(config: Mapping[str, object]) -> int:
    """The most tokens that are read with full attention whatever the type says."""
    size, random = config.get("block_size", BLOCK_TOKENS), config.get("num_random_blocks", RANDOM_BLOCKS)
    if not isinstance(size, int) or not isinstance(random, int):
        return 0
    return (FIXED_BLOCKS + 2 * random) * size
