"""question-answering: the spans of a context that answer a question, over windows that share tokens.

It gives what transformers' pipeline gave (pipelines/question_answering.py, 4.57.6, with a fast tokenizer that pads on
the right); transformers 5 has none. Impossible spans are not answers here: where a window has fewer spans than are
looked for, the pipeline takes some of score 0 too, and which ones depends on how numpy partitions equal numbers.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Self

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec import Meta

from ..config import HandlerConfig, Task
from ..errors import InvalidParameter
from ..inputs import QuestionObject, TextInput
from ..parameters import LARGEST, Parameters, Stride
from ..text.encoded import EncodedText
from ..text.passages import Cut, Layout, Passages, TextPair, choose_stride
from .kind import Head, Reading, Reads, Row, TaskKind, one_by_one
from .scores import Numbers, softmax

Ints = npt.NDArray[np.int64]
Found = dict[str, Any]
Span = tuple[int, int, float]
"""First character, the one behind the last, score."""

MASKED = -10_000.0  # the pipeline's logit for what cannot be in an answer: its probability is 0
DEFAULT_WINDOW_TOKENS = 384  # transformers' own max_seq_len


class QuestionAnsweringParameters(Parameters, frozen=True, kw_only=True):
    """question-answering: the parameters of transformers' pipeline (4.57). A long context is read in windows."""

    top_k: Annotated[int, Meta(ge=1, le=100)] = 1
    """How many answers at most."""
    doc_stride: Stride | None = None
    """Tokens that neighbouring windows share. Absent: 128, or half of a smaller window."""
    max_answer_len: Annotated[int, Meta(ge=1, le=512)] = 15
    """Longest answer in tokens."""
    max_seq_len: Annotated[int, Meta(ge=16, le=LARGEST)] | None = None
    """Tokens of a window, question included. Absent: 384, or what the model takes."""
    handle_impossible_answer: bool = False
    """Let the empty answer compete."""
    align_to_words: bool = True
    """Answers begin and end with whole words."""


class Answer(msgspec.Struct, kw_only=True):
    """A span of the context."""

    score: float
    start: int
    end: int
    answer: str


def plan(source: TextInput, parameters: QuestionAnsweringParameters, config: HandlerConfig) -> Passages:
    """Read the question with each window of its context."""
    window = parameters.max_seq_len or min(config.max_tokens, DEFAULT_WINDOW_TOKENS)
    if window > config.max_tokens:
        raise InvalidParameter(
            f"max_seq_len is {window}; this model takes at most {config.max_tokens} tokens", "/parameters/max_seq_len"
        )
    stride = choose_stride("doc_stride", parameters.doc_stride, window, share=2)
    pair = TextPair(text=source.text, text_pair=source.text_pair)
    layout = Layout(max_tokens=window, cut=Cut.ONLY_SECOND, uncut="question", stride=stride)
    return Passages(pairs=(pair,), layout=layout, keeps_places=True)


def make_head(_: Any, tokenizer: Any, *__: Any) -> Head[QuestionAnsweringParameters]:
    """Make the head: logits [T, 2] of each window, for the answer's first and last token -> the answer, or several."""
    cls_token_id: int | None = tokenizer.cls_token_id

    @one_by_one
    def head(reading: Reading, parameters: QuestionAnsweringParameters) -> Found | list[Found]:
        context = reading.source.text_pair
        assert context is not None
        windows = [Window.of(text, row, cls_token_id) for text, row in zip(reading.texts, reading.rows, strict=True)]
        answers = merge_spans(context, (span for window in windows for span in window.spans(parameters)))
        if parameters.handle_impossible_answer:
            answers.append(no_answer(min(window.null_score for window in windows)))
        best = sorted(answers or [no_answer(0.0)], key=lambda answer: -float(answer["score"]))[: parameters.top_k]
        return best[0] if len(best) == 1 else best

    return head


def no_answer(score: float) -> Found:
    """Make the answer that says: the context does not tell."""
    return {"score": score, "start": 0, "end": 0, "answer": ""}


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The C tokens of a window that are the context's, and what the model says of them."""

    offsets: npt.NDArray[np.int32]
    """[C, 2]: a token's first character and the one behind its last."""
    words: npt.NDArray[np.int32]
    """[C]: which word of the context a token is of; it never falls."""
    starts: Numbers
    """[C]: probability that the answer starts with this token."""
    ends: Numbers
    """[C]: and that it ends with it."""
    null_score: float
    """Probability that there is no answer, which the window's first token stands for."""

    @classmethod
    def of(cls, encoded: EncodedText, row: Row, cls_token_id: int | None) -> Self:
        """Make it. Probabilities are over the context's tokens and the cls token, as in the pipeline (its p_mask)."""
        assert encoded.offsets is not None
        assert encoded.sources is not None
        assert encoded.words is not None
        is_context = encoded.sources == 1
        is_possible = is_context | (encoded.ids == cls_token_id)
        starts, ends = softmax(np.where(is_possible[:, None], row, MASKED).astype(np.float64).T)
        return cls(
            offsets=encoded.offsets[is_context],
            words=encoded.words[is_context],
            starts=starts[is_context],
            ends=ends[is_context],
            null_score=float(starts[0] * ends[0]),
        )

    def spans(self, parameters: QuestionAnsweringParameters) -> Iterator[Span]:
        """Return the likeliest spans, best first. Some may become one when they are widened to whole words."""
        count = parameters.top_k * 2 + 10 if parameters.align_to_words else parameters.top_k  # as in the pipeline
        firsts, lasts, scores = best_spans(self.starts, self.ends, parameters.max_answer_len, count)
        if parameters.align_to_words:
            firsts = np.searchsorted(self.words, self.words[firsts], "left")
            lasts = np.searchsorted(self.words, self.words[lasts], "right") - 1
        return zip(self.offsets[firsts, 0].tolist(), self.offsets[lasts, 1].tolist(), scores.tolist(), strict=True)


def best_spans(starts: Numbers, ends: Numbers, max_length: int, count: int) -> tuple[Ints, Ints, Numbers]:
    """Return first token, last token and score of the likeliest spans of at most max_length tokens, best first.

    Scores are laid out by first token and length: of [C, C] pairs only those that may be answers.
    """
    width = min(max_length, len(starts))
    if width == 0:
        return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0)
    reachable = np.lib.stride_tricks.sliding_window_view(np.append(ends, np.zeros(width - 1)), width)
    scores = (starts[:, None] * reachable).ravel()
    count = min(count, int(np.count_nonzero(scores)))
    best = np.argpartition(-scores, count - 1)[:count]
    best = best[np.argsort(-scores[best], kind="stable")]
    firsts, lengths = np.divmod(best, width)
    return firsts, firsts + lengths, scores[best]


def merge_spans(context: str, spans: Iterable[Span]) -> list[Found]:
    """Merge spans of one text, case aside, into the first of them with the sum of their scores, in order."""
    answers: dict[str, Found] = {}
    for start, end, score in spans:
        text = context[start:end]
        answer = answers.setdefault(text.lower(), {"score": 0.0, "start": start, "end": end, "answer": text})
        answer["score"] += score
    return list(answers.values())


QUESTION_ANSWERING = TaskKind(
    task=Task.QUESTION_ANSWERING,
    input_object=QuestionObject,
    takes_string=False,
    parameters=QuestionAnsweringParameters,
    is_explained=True,
    plan=plan,
    reads=Reads.SPAN_LOGITS,
    make_head=make_head,
    results=(Answer, list[Answer]),
)
