"""What is asked while a server is measured: texts of mixed lengths in the model's own words, or the user's. Seeded."""

import json
import math
import random
from collections.abc import Iterable, Sequence
from pathlib import Path

from ..archive.content import CHECKPOINT
from ..archive.served_model import ServedModel
from ..checkpoint_files import TOKENIZER
from ..errors import Refused, UsageError
from ..lines import read_texts

MEAN_WORDS = 22  # 24 tokens with [CLS] and [SEP]
SIGMA = 0.6  # of the lengths' logarithm: half of the texts lie between 12 and 28 words, one in a hundred above 75
MAX_WORDS = 126  # 128 tokens
BEGIN_OF_A_WORD = ("Ġ", "▁")  # as byte-level BPE and sentencepiece mark it; WordPiece marks all that is none
NUM_TEXTS = 2000
FEWEST_WORDS = 20
KNOWN_TEXT = "hello world"
"""In the first input that a model was proven with, at the place of what it reads (berth/pack/references)."""


def whole_words(vocabulary: Iterable[str]) -> list[str]:
    """The words of a vocabulary that are one token each: lower-case ASCII, three letters or more."""
    listed = list(vocabulary)
    marked = [word[1:] for word in listed if len(word) > 1 and word[0] in BEGIN_OF_A_WORD]
    return [word for word in marked or listed if len(word) > 2 and word.isascii() and word.isalpha() and word.islower()]


def mixed_texts(words: Sequence[str], count: int, seed: int = 1) -> list[str]:
    """`count` texts whose lengths in words are lognormal, with a mean of about MEAN_WORDS."""
    chooser = random.Random(seed)
    mu = math.log(MEAN_WORDS) - SIGMA**2 / 2
    lengths = [round(chooser.lognormvariate(mu, SIGMA)) for _ in range(count)]
    return [" ".join(chooser.choices(words, k=min(max(length, 1), MAX_WORDS))) for length in lengths]


def make_bodies(model: ServedModel, file: Path | None) -> list[bytes]:
    """Make requests to a model's native door: its first known input, with other texts in the place of its own.

    `file` has a text on each line; None: texts of words in the model's vocabulary, of 24 tokens on average.
    """
    known = model.known_request()
    if KNOWN_TEXT not in known:
        raise Refused(
            f"{model.folder}: its known answers are not those of berth's own texts: pack it with `berth pack`"
        )
    texts = read_texts(file, "--texts") if file else mixed_texts(_words_of(model), NUM_TEXTS)
    quoted = (json.dumps(text, ensure_ascii=False)[1:-1] for text in texts)
    return [known.replace(KNOWN_TEXT, text).encode() for text in quoted]


def _words_of(model: ServedModel) -> list[str]:
    path = model.folder / CHECKPOINT / TOKENIZER
    vocabulary = json.loads(path.read_text("utf-8"))["model"].get("vocab", ()) if path.is_file() else ()
    words = whole_words(entry if isinstance(entry, str) else entry[0] for entry in vocabulary)
    if len(words) < FEWEST_WORDS:
        raise UsageError(f"{model.name} has too few English words to make texts of: give your own with --texts FILE")
    return words
