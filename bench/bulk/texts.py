"""`python -m bench.bulk.texts 1000000 > texts.txt`: short texts of 3 to 9 words, all different, as in a search box."""

import random
import sys
from collections.abc import Iterator

WORDS = [
    "harbour",
    "river",
    "boat",
    "morning",
    "cold",
    "ship",
    "light",
    "water",
    "stone",
    "wind",
    "master",
    "pilot",
    "delivery",
    "order",
    "refund",
    "invoice",
    "address",
    "size",
    "colour",
    "return",
    "price",
    "cheap",
    "late",
    "broken",
    "missing",
    "open",
    "closed",
    "today",
    "tomorrow",
    "city",
    "train",
    "ticket",
    "hotel",
    "room",
    "table",
]
SEED = 11


def short_texts(count: int, seed: int = SEED) -> Iterator[str]:
    """So many, the same for the same seed; each ends with its number, and so no two are equal."""
    chooser = random.Random(seed)
    for number in range(count):
        yield " ".join((*chooser.choices(WORDS, k=chooser.randint(3, 9)), str(number)))


if __name__ == "__main__":
    sys.stdout.writelines(f"{text}\n" for text in short_texts(int(sys.argv[1])))
