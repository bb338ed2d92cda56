"""The texts and pairs that the model reads for one input, and what becomes of those that are too long. Pure."""

from enum import StrEnum

import msgspec

from ..errors import InvalidParameter
from ..parameters import DEFAULT_STRIDE_TOKENS
from ..spans.settings import SpanSettings


class Marks(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What late interaction (handler/vectors/late.py) makes of a text."""

    max_tokens: int
    """Special tokens and the marker included."""
    marker: int | None = None
    """The token behind the first one."""
    filler: int | None = None
    """The token that fills a shorter text up to max_tokens."""
    hides_filler: bool = False
    """Whether no token sees the fillers."""


class TextPair(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One text, or two that the model reads together, or a text's tokens in its place, or a text behind types."""

    text: str
    text_pair: str | None = None
    token_ids: tuple[int, ...] | None = None
    types: tuple[str, ...] = ()
    """What is looked for in the text, which is then read word by word (handler.text.words)."""
    spans: SpanSettings | None = None
    """How it is read so; None where there are no types."""
    is_one: bool = False
    """Whether two texts are read as one, with nothing between them."""
    marks: Marks | None = None
    """How one text is marked and cut, in the place of its layout."""
    is_looked_up: bool = False
    """Whether its tokens are looked up in a table and no model reads them: there are no special ones around it."""

    @property
    def texts(self) -> tuple[str, ...]:
        """The texts to be tokenised."""
        if self.token_ids is not None or self.spans is not None:
            return ()
        return (self.text,) if self.text_pair is None else (self.text, self.text_pair)


class Cut(StrEnum):
    """The text of a pair that gives way when both are too long together; tokenizers' names."""

    LONGEST_FIRST = "longest_first"
    ONLY_FIRST = "only_first"
    ONLY_SECOND = "only_second"


class Layout(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The rule for a text that is too long."""

    max_tokens: int
    """Special tokens included."""
    cut: Cut = Cut.LONGEST_FIRST
    uncut: str = "text"
    """What the text is that is never cut, for an error message."""
    uncut_at: str | None = None
    """Where it stands in the request, as a JSON pointer; None: at the input."""
    least: int = 1
    """Fewest tokens that are left to the text that is cut."""
    stride: int | None = None
    """Read it in windows that share this many tokens with their neighbours. None: read its beginning."""


class Passages(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What the model reads for one input."""

    pairs: tuple[TextPair, ...]
    layout: Layout
    keeps_places: bool = False
    """Whether its head asks where in the text a token stands."""
    needs_masks: bool = False
    """Whether it must hold a mask, and not too many."""


def choose_stride(name: str, stride: int | None, window: int, share: int) -> int:
    """Return the tokens that neighbouring windows share: as asked, or 128, or 1 / `share` of a smaller window.

    InvalidParameter for more than half a window, which would read tokens more than twice.
    """
    if stride is not None and stride > window // 2:
        raise InvalidParameter(
            f"{name} is {stride}; it may be at most {window // 2}, half of a window of {window} tokens",
            f"/parameters/{name}",
        )
    return min(DEFAULT_STRIDE_TOKENS, window // share) if stride is None else stride
