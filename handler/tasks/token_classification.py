"""token-classification: the labels of a text's tokens, or its entities, over windows that share tokens.

It gives what transformers' pipeline gives (pipelines/token_classification.py, 5.23). The pipeline refuses windows with
the strategy `none`; here each token is then taken from the window in which it has most context.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Annotated, Any, Self

import msgspec
import numpy as np
from msgspec import Meta

from ..config import HandlerConfig, Task
from ..inputs import TextInput, TextObject
from ..parameters import MAX_NAMES, Parameters, Stride
from ..text.passages import Layout, Passages, TextPair, choose_stride
from .kind import Head, Reading, Reads, TaskKind, one_by_one
from .scores import Numbers, labels_of
from .tokens import Flags, Ints, Spelling, Window, align_windows, share_tokens

Found = dict[str, Any]


class AggregationStrategy(StrEnum):
    """How tokens become entities; transformers' names (pipelines/token_classification.py)."""

    NONE = "none"
    SIMPLE = "simple"
    FIRST = "first"
    AVERAGE = "average"
    MAX = "max"


class TokenClassificationParameters(Parameters, frozen=True, kw_only=True):
    """token-classification: the parameters of transformers' pipeline. A long text is read in windows."""

    head: str | None = None
    """Of an archive with several heads, the one that answers. Absent: the first."""
    aggregation_strategy: AggregationStrategy = AggregationStrategy.NONE
    """`none`: every token by itself."""
    ignore_labels: Annotated[list[str], Meta(max_length=MAX_NAMES)] = msgspec.field(default_factory=lambda: ["O"])
    """Labels that are left out."""
    stride: Stride | None = None
    """Tokens that neighbouring windows share. Absent: 128, or a quarter of a smaller window."""


class TokenLabel(msgspec.Struct, kw_only=True):
    """A token that is (part of) an entity."""

    entity: str
    score: float
    index: int
    word: str
    start: int
    end: int


class Entity(msgspec.Struct, kw_only=True):
    """An entity of one or more tokens."""

    entity_group: str
    score: float
    word: str
    start: int
    end: int


def plan(source: TextInput, parameters: TokenClassificationParameters, config: HandlerConfig) -> Passages:
    """Read the whole text, in windows where it is long."""
    stride = choose_stride("stride", parameters.stride, config.max_tokens, share=4)
    layout = Layout(max_tokens=config.max_tokens, stride=stride)
    return Passages(pairs=(TextPair(text=source.text),), layout=layout, keeps_places=True)


def make_head(hf_config: Any, tokenizer: Any, *_: Any) -> Head[TokenClassificationParameters]:
    """Make the head: logits [T, num_labels] of each window -> a list of tokens or entities, in the text's order."""
    labels = Labels.of(labels_of(hf_config))
    spelling = Spelling(tokenizer)

    @one_by_one
    def head(reading: Reading, parameters: TokenClassificationParameters) -> list[Found]:
        windows = [Window.of(encoded, row) for encoded, row in zip(reading.texts, reading.rows, strict=True)]
        finder = Finder(
            text=reading.source.text,
            labels=labels,
            spelling=spelling,
            ignored=frozenset(parameters.ignore_labels),
            strategy=parameters.aggregation_strategy,
        )
        if parameters.aggregation_strategy is AggregationStrategy.NONE:
            return finder.tokens(windows)
        entities = [entity for window in windows if len(window.ids) for entity in finder.entities(window)]
        return entities if len(windows) == 1 else merge_overlaps(entities)

    return head


@dataclass(frozen=True, slots=True)
class Labels:
    """What a checkpoint's labels mean for grouping; every field has one item for each label."""

    names: list[str]
    groups: list[str]
    """What an entity is called that begins with this label: what is behind the first dash, whatever is before it."""
    tags: Ints
    """Equal numbers for labels that differ by B- and I- only. A label with neither continues its own kind."""
    begins: Flags
    """Whether it begins an entity: B-."""

    @classmethod
    def of(cls, names: list[str]) -> Self:
        """Make them from the labels' names."""
        tags = [name[2:] if name.startswith(("B-", "I-")) else name for name in names]
        numbers = {tag: number for number, tag in enumerate(dict.fromkeys(tags))}
        return cls(
            names=names,
            groups=[name.split("-", 1)[-1] for name in names],
            tags=np.array([numbers[tag] for tag in tags]),
            begins=np.array([name.startswith("B-") for name in names]),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Finder:
    """Finds what one request is told about its text. Only what is kept is spelt out: most of a text is not."""

    text: str
    labels: Labels
    spelling: Spelling
    ignored: frozenset[str]
    strategy: AggregationStrategy

    def tokens(self, windows: Sequence[Window]) -> list[Found]:
        """Find the tokens (strategy `none`): each once, from the window that owns it."""
        shifts = align_windows(windows)
        shares = share_tokens(windows, shifts)
        found = [self._owned_tokens(*window) for window in zip(windows, shifts, shares, strict=True)]
        return [token for tokens in found for token in tokens]

    def _owned_tokens(self, window: Window, shift: int, is_owned: Flags) -> list[Found]:
        best = window.scores.argmax(-1)
        is_kept = np.array([name not in self.ignored for name in self.labels.names])
        chosen = np.flatnonzero(is_owned & is_kept[best])
        starts, ends = window.offsets[chosen].T.tolist()
        columns = zip(
            best[chosen].tolist(),
            window.scores[chosen, best[chosen]].tolist(),
            (window.places[chosen] + shift).tolist(),
            self.spelling.tokens(self.text, window.ids[chosen], window.offsets[chosen]),
            starts,
            ends,
            strict=True,
        )
        names = self.labels.names
        return [
            {"entity": names[label], "score": score, "index": index, "word": word, "start": start, "end": end}
            for label, score, index, word, start, end in columns
        ]

    def entities(self, window: Window) -> list[Found]:
        """Find the entities (other strategies): neighbouring words with one tag. There is at least one token."""
        words, scores = self._words(window)
        best, score = scores.argmax(-1), scores.max(-1)
        tags = self.labels.tags[best]
        groups = run_starts((tags[1:] != tags[:-1]) | self.labels.begins[best[1:]])
        means = np.add.reduceat(score, groups) / np.diff(groups, append=len(words))
        bounds = np.append(words, len(window.ids)).tolist()
        found: list[Found] = []
        for (first, last), mean in zip(pairwise([*groups.tolist(), len(words)]), means.tolist(), strict=True):
            name = self.labels.groups[best[first]]
            if name not in self.ignored:
                found.append({"entity_group": name, "score": mean} | self._quote(window, bounds[first : last + 1]))
        return found

    def _words(self, window: Window) -> tuple[Ints, Numbers]:
        """Return the first token of each of W words, and their scores [W, num_labels]. `simple`: a token is a word."""
        if self.strategy is AggregationStrategy.SIMPLE:
            return np.arange(len(window.ids)), window.scores
        words = run_starts(self.spelling.word_starts(self.text, window)[1:])
        return words, WORD_SCORES[self.strategy](window.scores, words)

    def _quote(self, window: Window, bounds: list[int]) -> Found:
        """Spell the words between these bounds, and say where they stand. The pipeline joins tokens, then words."""
        first, last = bounds[0], bounds[-1]
        offsets = window.offsets[first:last]
        words = self.spelling.tokens(self.text, window.ids[first:last], offsets)
        if self.strategy is not AggregationStrategy.SIMPLE:
            words = [self.spelling.join(words[start - first : end - first]) for start, end in pairwise(bounds)]
        return {"word": self.spelling.join(words), "start": int(offsets[0, 0]), "end": int(offsets[-1, 1])}


def run_starts(is_start: Flags) -> Ints:
    """Return the first of each run of N items, when `is_start` [N - 1] says which items but the first start one."""
    return np.append(0, np.flatnonzero(is_start) + 1)


def score_by_first(scores: Numbers, words: Ints) -> Numbers:
    """Take for each word the scores of its first token."""
    return scores[words]


def score_by_average(scores: Numbers, words: Ints) -> Numbers:
    """Take for each word and label the mean of its tokens' scores."""
    lengths = np.diff(words, append=len(scores))
    means: Numbers = np.add.reduceat(scores, words) / lengths[:, None]
    return means


def score_by_max(scores: Numbers, words: Ints) -> Numbers:
    """Take for each word the scores of its surest token; the first of equals."""
    best = scores.max(-1)
    numbers = np.repeat(np.arange(len(words)), np.diff(words, append=len(scores)))
    surest = np.flatnonzero(best == np.maximum.reduceat(best, words)[numbers])
    _, firsts = np.unique(numbers[surest], return_index=True)
    return scores[surest[firsts]]


WORD_SCORES: dict[AggregationStrategy, Callable[[Numbers, Ints], Numbers]] = {
    AggregationStrategy.FIRST: score_by_first,
    AggregationStrategy.AVERAGE: score_by_average,
    AggregationStrategy.MAX: score_by_max,
}


def merge_overlaps(entities: list[Found]) -> list[Found]:
    """Sort the entities of all windows by start. Of those that overlap the longest stays, of equals the likeliest.

    An entity of no characters overlaps nothing, not even itself: one that is first comes twice, as in transformers.
    """
    ordered = sorted(entities, key=lambda entity: int(entity["start"]))
    merged = ordered[:1]
    for entity in ordered:
        rival = merged[-1]
        if entity["start"] >= rival["end"]:
            merged.append(entity)
        elif _weight(entity) > _weight(rival):
            merged[-1] = entity
    return merged


def _weight(entity: Found) -> tuple[int, float]:
    return entity["end"] - entity["start"], entity["score"]


TOKEN_CLASSIFICATION = TaskKind(
    task=Task.TOKEN_CLASSIFICATION,
    input_object=TextObject,
    parameters=TokenClassificationParameters,
    plan=plan,
    reads=Reads.TOKEN_LOGITS,
    make_head=make_head,
    is_labelled=True,
    results=(list[TokenLabel], list[Entity]),
)
