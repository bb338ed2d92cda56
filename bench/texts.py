"""The texts that a benchmark sends: real words, mixed lengths, the same for every way. Pure and seeded."""

from berth.tune.texts import MAX_WORDS, MEAN_WORDS, SIGMA, mixed_texts, whole_words

__all__ = ["MAX_WORDS", "MEAN_WORDS", "SIGMA", "SPECIAL_TOKENS", "mixed_texts", "num_tokens", "whole_words"]

SPECIAL_TOKENS = 2  # [CLS] and [SEP]


def num_tokens(text: str) -> int:
    """How many tokens a text of whole words has, special tokens included."""
    return text.count(" ") + 1 + SPECIAL_TOKENS
