"""Inputs whose texts are on their way through the model, and which text belongs to whom."""

from collections.abc import Iterable

import msgspec

from ..errors import RequestError
from ..inputs import TextInput
from ..parameters import Parameters
from ..payload import Prediction
from ..tasks.kind import Reading, Row
from ..text.encoded import EncodedText

Outcome = Prediction | RequestError


class Pending(msgspec.Struct, kw_only=True, eq=False):
    """One input, and what is known of its answer so far."""

    source: TextInput
    parameters: Parameters
    texts: list[EncodedText]
    num_tokens: int
    """Of all its texts."""
    deadline_s: float
    """When its request's time is over (time.monotonic)."""
    is_raw: bool
    outcome: Outcome | None = None
    """None until its turn has come."""
    rows: dict[int, Row] = msgspec.field(default_factory=dict)
    """What the model says of its texts, by their places, until the outcome is known."""

    def take(self, slot: int, row: Row) -> bool:
        """Keep what the model says of the text at `slot`; return whether nothing is missing now."""
        self.rows[slot] = row
        return len(self.rows) == len(self.texts)

    def read(self) -> Reading:
        """What its head is given; nothing may be missing."""
        rows = [self.rows[slot] for slot in range(len(self.texts))]
        return Reading(source=self.source, texts=self.texts, rows=rows)

    def settle(self, outcome: Outcome) -> None:
        """Keep the outcome alone: logits of a whole vocabulary are not held until the batch ends."""
        self.outcome = outcome
        self.rows = {}

    def predict(self, value: object) -> Prediction:
        """The outcome, where a head has made this value."""
        is_truncated = any(text.is_truncated for text in self.texts)
        return Prediction(value=value, num_tokens=self.num_tokens, is_truncated=is_truncated)


class SharedText(msgspec.Struct, frozen=True, kw_only=True, eq=False, gc=False):
    """A text that the model reads once, and the inputs that wait for it, each with the text's place in it."""

    text: EncodedText
    places: list[tuple[Pending, int]]

    @property
    def deadline_s(self) -> float:
        """When nobody waits for it any more."""
        return max(pending.deadline_s for pending, _ in self.places)


def hold_rows(given: Iterable[SharedText]) -> None:
    """Copy what a pass has said of texts whose inputs wait for others: a part would hold all that the pass said."""
    for each in given:
        for pending, slot in each.places:
            if slot in pending.rows:
                pending.rows[slot] = pending.rows[slot].copy()


def share_texts(inputs: Iterable[Pending]) -> list[SharedText]:
    """Return every text of the inputs, in order; equal ones that are read alike once."""
    found: dict[tuple[object, ...], SharedText] = {}
    for pending in inputs:
        for slot, text in enumerate(pending.texts):
            if (shared := found.get(key := text.key)) is None:
                shared = found[key] = SharedText(text=text, places=[])
            shared.places.append((pending, slot))
    return list(found.values())
