"""The texts that a benchmark sends: real words, mixed lengths, the same for every way. Pure and seeded."""

import math
import random
from collections.abc import Iterable, Sequence

MEAN_WORDS = 22  # 24 tokens with [CLS] and [SEP]
SIGMA = 0.6  # of the lengths' logarithm: half of the texts lie between 12 and 28 words, one in a hundred above 75
MAX_WORDS = 126  # 128 tokens: no way in the comparison cuts a text, so that all answer the same question
SPECIAL_TOKENS = 2  # [CLS] and [SEP]


def whole_words(vocabulary: Iterable[str]) -> list[str]:
    """The words of a WordPiece vocabulary that are one token each: lower-case ASCII, three letters or more."""
    return [word for word in vocabulary if len(word) > 2 and word.isascii() and word.isalpha() and word.islower()]


def mixed_texts(words: Sequence[str], count: int, seed: int = 1) -> list[str]:
    """`count` texts whose lengths in words are lognormal, with a mean of about MEAN_WORDS."""
    chooser = random.Random(seed)
    mu = math.log(MEAN_WORDS) - SIGMA**2 / 2
    lengths = [round(chooser.lognormvariate(mu, SIGMA)) for _ in range(count)]
    return [" ".join(chooser.choices(words, k=min(max(length, 1), MAX_WORDS))) for length in lengths]


def num_tokens(text: str) -> int:
    """How many tokens a text of whole words has, special tokens included."""
    return text.count(" ") + 1 + SPECIAL_TOKENS
