"""What is sent: the mixes of texts, seeded, and how many tokens each text has. Pure but for two files."""

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from ...machine import REPOSITORY
from ...texts import SPECIAL_TOKENS, mixed_texts, whole_words

NUM_TEXTS = 2000
SEED = 1
LOGNORMAL = "lognormal, mean 24"
INTENTS = REPOSITORY / "examples" / "intents"


def uniform_texts(words: Sequence[str], low: int, high: int) -> list[str]:
    """NUM_TEXTS texts of `low` to `high` tokens, special ones included, each number as likely."""
    chooser = random.Random(SEED)
    lengths = [chooser.randint(low, high) - SPECIAL_TOKENS for _ in range(NUM_TEXTS)]
    return [" ".join(chooser.choices(words, k=length)) for length in lengths]


def real_texts(part: str) -> list[str]:
    """The texts of examples/intents/PART.tsv, in a seeded order."""
    _, *lines = (INTENTS / f"{part}.tsv").read_text("utf-8").splitlines()
    texts = [line.partition("\t")[2] for line in lines]
    random.Random(SEED).shuffle(texts)
    return texts


MIXES: Mapping[str, Callable[[Sequence[str]], list[str]]] = {
    LOGNORMAL: lambda words: mixed_texts(words, NUM_TEXTS, SEED),
    "short, 6-18": lambda words: uniform_texts(words, 6, 18),
    "uniform, 8-256": lambda words: uniform_texts(words, 8, 256),
    "all 512": lambda words: uniform_texts(words, 512, 512),
    "real, intents": lambda _words: real_texts("train") + real_texts("test"),
}


def make_mix(name: str, folder: Path) -> list[str]:
    """The texts of a mix, of words that are one token each to the checkpoint."""
    return MIXES[name](whole_words((folder / "vocab.txt").read_text("utf-8").split()))


def count_tokens(folder: Path, texts: Iterable[str]) -> dict[str, int]:
    """How many tokens the checkpoint's tokenizer makes of each text, special ones included."""
    from tokenizers import Tokenizer  # noqa: PLC0415 - `--help` answers at once

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    distinct = list(dict.fromkeys(texts))
    return {text: len(each.ids) for text, each in zip(distinct, tokenizer.encode_batch(distinct), strict=True)}
