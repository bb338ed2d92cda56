"""What a head is given, and what it is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..parameters import Parameters
from ..payload import TextInput
from ..text.encoded import EncodedText

Row = npt.NDArray[np.float32]
"""What the model says of one text: [width] for a text, [T, width] for its tokens, [M, vocabulary] for its masks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One input: what the model read for it, and what it said."""

    source: TextInput
    texts: Sequence[EncodedText]
    """One; or a pair for each text or label; or the windows of a long text, in order."""
    rows: Sequence[Row]
    """One for each of `texts`."""


Head = Callable[[Reading, Parameters], object]
"""A reading to what transformers' pipeline gives for it, as plain JSON values; a vector stays an array.

It may raise a RequestError."""
