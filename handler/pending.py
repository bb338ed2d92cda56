"""Inputs whose texts are on their way through the model, and which text belongs to whom."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from .errors import NotNow, RequestError
from .inputs import TextInput
from .parameters import Parameters
from .payload import Prediction
from .tasks.kind import Reading, Row
from .text.encoded import EncodedText
from .text.tokenization import TOO_LATE

Outcome = Prediction | RequestError


@dataclass(slots=True, kw_only=True, eq=False)
class Pending:
    """One input, and what is known of its answer so far."""

    source: TextInput
    parameters: Parameters
    texts: list[EncodedText]
    is_raw: bool
    outcome: Outcome = field(default_factory=lambda: NotNow(TOO_LATE))
    _rows: dict[int, Row] = field(default_factory=dict)

    def take(self, slot: int, row: Row) -> Reading | None:
        """Keep what the model says of the text at `slot`; return the reading once nothing is missing."""
        self._rows[slot] = row
        if len(self._rows) < len(self.texts):
            return None
        rows = [self._rows[index] for index in range(len(self.texts))]
        self._rows = {}  # logits of a whole vocabulary are not held until the batch ends
        return Reading(source=self.source, texts=self.texts, rows=rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedText:
    """A text that the model reads once, and the inputs that wait for it, each with the text's place in it."""

    text: EncodedText
    places: list[tuple[Pending, int]]


def share_texts(inputs: Iterable[Pending]) -> list[SharedText]:
    """Return every text of the inputs, in order; equal ones once."""
    found: dict[tuple[bytes, bytes], SharedText] = {}
    for pending in inputs:
        for slot, text in enumerate(pending.texts):
            key = text.ids.tobytes(), text.type_ids.tobytes()
            found.setdefault(key, SharedText(text=text, places=[])).places.append((pending, slot))
    return list(found.values())
