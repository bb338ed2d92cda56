"""Which spans of words there are, in the order in which they are scored."""

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]


def count_spans(num_words: int, max_width: int) -> int:
    """Return how many spans of 1 to `max_width` words a text of `num_words` words has."""
    widths = min(num_words, max_width)
    return widths * num_words - widths * (widths - 1) // 2


def list_spans(num_words: int, max_width: int) -> tuple[Ints, Ints]:
    """Return the first and the last word of each span [S]: all of one word in order, then all of two, and so on."""
    widths = range(min(num_words, max_width))
    firsts = np.concatenate([np.arange(num_words - width) for width in widths] or [np.arange(0)])
    return firsts, firsts + np.repeat(np.arange(len(widths)), [num_words - width for width in widths])
