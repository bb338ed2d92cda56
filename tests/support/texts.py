"""Texts that find mistakes: every length class, scripts, emoji, combining marks, nothing at all. Seeded."""

import random

WORDS = [
    "the",
    "a",
    "of",
    "model",
    "serves",
    "under",
    "load",
    "café",
    "naïve",
    "Straße",
    "привет",
    "мир",
    "日本語",
    "テキスト",
    "한국어",
    "العربية",
    "😀",
    "👩\u200d👩\u200d👧",
    "é",
    "ﬁ",
    "don't",
    "e-mail",
    "3.14",
    "C++",
    "snake_case",
    "\u200b",
    "end",
]
NUM_WORDS = (1, 2, 5, 12, 30, 80, 200, 600)  # the last ones are longer than 512 tokens


def mixed_texts(count: int, seed: int = 7) -> list[str]:
    """`count` texts of 0 to well over 512 tokens; the first is empty."""
    chooser = random.Random(seed)
    return [""] + [" ".join(chooser.choices(WORDS, k=chooser.choice(NUM_WORDS))) for _ in range(count - 1)]
