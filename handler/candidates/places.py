"""Which of a text's tokens the vectors of its labels are made of, and of which its own is."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .settings import CandidateSettings

Ints = npt.NDArray[np.int64]


class Places(NamedTuple):
    """Parts of a text's tokens [N], each of which becomes one vector: the sum of its tokens' over a number."""

    begins: Ints
    ends: Ints
    """One behind the last token; where it is the first, there is none and the vector is 0."""
    divisors: Ints


def find_places(ids: npt.NDArray[np.int32], settings: CandidateSettings) -> Places:
    """Return the parts of a text's labels in order, and behind them that of the text itself.

    As gliclass has it (0.1.21): the last label goes on until the text token where the text is read alone, else until
    the end; and a mean over the text alone is still divided by all tokens.
    """
    text_at = int(np.argmax(ids == settings.text_id)) if settings.reads_text_alone else 0
    labels_at = np.flatnonzero(ids == settings.label_id)
    begins = labels_at + (not settings.reads_label_token)
    if settings.averages_labels:
        ends = np.append(labels_at, len(ids))[1:]
        ends = np.maximum(begins, np.minimum(ends, text_at) if settings.reads_text_alone else ends)
    else:
        begins = np.minimum(begins, len(ids) - 1)
        ends = begins + 1
    text_end, text_divisor = (len(ids), len(ids)) if settings.averages_text else (text_at + 1, 1)
    return Places(
        begins=np.append(begins, text_at),
        ends=np.append(ends, text_end),
        divisors=np.append(np.maximum(1, ends - begins), text_divisor),
    )
