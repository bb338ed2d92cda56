"""zero-shot-token-classification: entities of types that the request names, as GLiNER finds them (gliner 0.2.29).

A long text is read in windows that share words. A span that lies in several is scored by the one in which it has most
context, and entities are then chosen of the whole text.
"""

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar

import numpy as np
from msgspec import Meta

from ..config import MAX_TEXTS_PER_REQUEST, HandlerConfig, Task
from ..errors import InvalidParameter
from ..inputs import TextInput, TextObject
from ..parameters import Parameters
from ..spans.choose import Span, choose_spans
from ..spans.places import Ints, list_spans
from ..text.passages import Layout, Passages, TextPair
from ..text.words import TypedText
from .kind import Head, Reading, Reads, Row, TaskKind, one_by_one
from .scores import sigmoid
from .token_classification import Entity, Found
from .zero_shot_classification import check_labels, list_labels

MAX_LABEL_CHARACTERS = 200
MAX_CANDIDATES = 65_536  # spans of an input that are sure enough; each is compared with its neighbours
MAX_QUOTES, SHORT_TEXT = 16, 4096  # an answer quotes so many times the text, or one of so many characters if shorter
Label = Annotated[str, Meta(min_length=1, max_length=MAX_LABEL_CHARACTERS)]


class ZeroShotTokenParameters(Parameters, frozen=True, kw_only=True):
    """zero-shot-token-classification: the parameters of gliner's predict_entities. A long text is read in windows."""

    example: ClassVar[str] = '{"candidate_labels": ["person", "place"]}'
    candidate_labels: (
        Annotated[str, Meta(min_length=1, max_length=MAX_TEXTS_PER_REQUEST * MAX_LABEL_CHARACTERS)]
        | Annotated[list[Label], Meta(min_length=1, max_length=MAX_TEXTS_PER_REQUEST)]
    )
    """Types of entities to find, as a list or separated by commas."""
    threshold: Annotated[float, Meta(ge=0, le=1)] = 0.5
    """Only what is surer than this is an entity."""
    flat_ner: bool = True
    """No two entities overlap. false: one may lie in another."""
    multi_label: bool = False
    """The same words may be entities of several types."""

    def __post_init__(self) -> None:
        check_labels(self.labels)
        if (longest := max(map(len, self.labels))) > MAX_LABEL_CHARACTERS:  # each entity's answer repeats it
            raise ValueError(
                f"`candidate_labels` has a label of {longest} characters, and at most {MAX_LABEL_CHARACTERS} are read"
            )

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels in the order in which they were sent, each once."""
        return tuple(dict.fromkeys(list_labels(self.candidate_labels)))


def plan(source: TextInput, parameters: ZeroShotTokenParameters, config: HandlerConfig) -> Passages:
    """Read the whole text behind the labels, in windows where it is long."""
    pair = TextPair(text=source.text, types=parameters.labels, spans=config.spans)
    return Passages(pairs=(pair,), layout=Layout(max_tokens=config.max_tokens), keeps_places=True)


def make_head(*_: Any) -> Head[ZeroShotTokenParameters]:
    """Make the head: logits [S, C] of each window -> entities in the text's order."""
    return one_by_one(find_entities)


def find_entities(reading: Reading, parameters: ZeroShotTokenParameters) -> list[Found]:
    """Return the entities; InvalidParameter where the threshold lets too many spans through."""
    windows = [text for text in reading.texts if isinstance(text, TypedText)]
    candidates: list[Span] = []
    for number, row in enumerate(reading.rows):
        candidates += find_candidates(windows, number, row, parameters.threshold)
        if len(candidates) > MAX_CANDIDATES:
            raise _too_many(parameters, f"more than {MAX_CANDIDATES} spans through, which are all that are looked at")
    most = sum(window.num_tokens for window in windows)
    kept = choose_spans(candidates, flat=parameters.flat_ner, several_types=parameters.multi_label, most=most)
    if len(kept) > most:
        raise _too_many(parameters, f"more than {most} entities through, one for each token of the text and its labels")
    text = reading.source.text
    places = [(_character(windows, span.first)[0], _character(windows, span.last)[1]) for span in kept]
    if sum(end - start for start, end in places) > MAX_QUOTES * max(len(text), SHORT_TEXT):
        raise _too_many(parameters, f"entities through that are together more than {MAX_QUOTES} times the text")
    return [
        {"entity_group": parameters.labels[span.type], "score": span.score}
        | {"word": text[start:end], "start": start, "end": end}
        for span, (start, end) in zip(kept, places, strict=True)
    ]


def find_candidates(windows: Sequence[TypedText], number: int, row: Row, threshold: float) -> list[Span]:
    """Return what is surer than `threshold` in a window [S, C], without what is scored by another window.

    At most MAX_CANDIDATES and one more: a threshold of 0 lets millions through.
    """
    window = windows[number]
    scores = sigmoid(row.astype(np.float64)).astype(np.float32)  # as gliner has them: what it rounds to 1 is equal
    spans, types = np.nonzero(scores > threshold)
    firsts, lasts = (places[spans] + window.first_word for places in list_spans(len(window.words_at), window.max_width))
    own = np.ones(len(spans), np.bool_)
    depth = depths(window, firsts, lasts)
    for other, rival in enumerate(windows):
        if other != number and _meet(window, rival):
            theirs = depths(rival, firsts, lasts)
            own &= (depth >= theirs) if number < other else (depth > theirs)
    columns = (firsts[own], lasts[own], types[own], scores[spans[own], types[own]])
    order = np.lexsort(columns[2::-1])[: MAX_CANDIDATES + 1]  # gliner's, of which the first of equals is kept
    return [Span(*values) for values in zip(*(column[order].tolist() for column in columns), strict=True)]


def depths(window: TypedText, firsts: Ints, lasts: Ints) -> Ints:
    """Return words between each span and the nearer end of the window; less than 0 where it is not whole in it."""
    end = window.first_word + len(window.words_at)
    found: Ints = np.minimum(firsts - window.first_word, end - 1 - lasts)
    return found


def _meet(one: TypedText, other: TypedText) -> bool:
    """Whether two windows share words."""
    ends = (each.first_word + len(each.words_at) for each in (one, other))
    return min(ends) > max(one.first_word, other.first_word)


def _character(windows: Sequence[TypedText], word: int) -> tuple[int, int]:
    """Return where a word of the whole text stands."""
    window = next(each for each in windows if 0 <= word - each.first_word < len(each.words_at))
    start, end = window.characters[word - window.first_word].tolist()
    return start, end


def _too_many(parameters: ZeroShotTokenParameters, what: str) -> InvalidParameter:
    return InvalidParameter(
        f"the threshold {parameters.threshold:g} lets {what}: raise it, or shorten the text", "/parameters/threshold"
    )


ZERO_SHOT_TOKEN_CLASSIFICATION = TaskKind(
    task=Task.ZERO_SHOT_TOKEN_CLASSIFICATION,
    input_object=TextObject,
    parameters=ZeroShotTokenParameters,
    plan=plan,
    reads=Reads.TYPED_SPANS,
    make_head=make_head,
    results=(list[Entity],),
)
