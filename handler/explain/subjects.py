"""What a task explains: a label, or the tokens of an answer."""

from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from ..config import ScoreFunction, Task
from ..errors import InvalidInput, InvalidParameter
from ..tasks.kind import Reading
from ..tasks.question_answering import QuestionAnsweringParameters, make_head
from ..tasks.scores import labels_of
from ..tasks.text_classification import default_function
from ..text.passages import Cut
from ..wire import list_names, quote

SCORES: dict[ScoreFunction, Callable[[Tensor], Tensor]] = {
    ScoreFunction.SOFTMAX: partial(torch.softmax, dim=-1),
    ScoreFunction.SIGMOID: torch.sigmoid,
    ScoreFunction.NONE: torch.clone,
}
Score = Callable[[Any], Tensor]
"""Turns transformers' output for N rows into the score that is explained [N]."""


class Subject(Protocol):
    """What a task has to explain."""

    cut: Cut
    """Which text of a pair may be shortened."""
    uncut: str
    """What the other text is, for an error message."""

    def choose(self, reading: Reading, output: Any, target: str | None) -> tuple[dict[str, object], Score]:
        """Choose the part of the answer to explain, and the score that the model gives to it."""


class LabelSubject:
    """text-classification: one label, the best unless another is named."""

    cut = Cut.LONGEST_FIRST
    uncut = "text"

    def __init__(self, hf_config: Any, _: Any) -> None:
        self._labels = labels_of(hf_config)
        self._scores = SCORES[default_function(hf_config.problem_type, len(self._labels))]

    def choose(self, _: Reading, output: Any, target: str | None) -> tuple[dict[str, object], Score]:
        label = self._labels[int(output.logits[0].argmax())] if target is None else target
        if label not in self._labels:
            raise InvalidParameter(
                f"unknown label {quote(label)}; this model has {list_names(self._labels)}", "/parameters/target"
            )
        index = self._labels.index(label)
        return {"label": label}, lambda output: self._scores(output.logits.float())[:, index]


class AnswerSubject:
    """question-answering: the tokens of the best answer."""

    cut = Cut.ONLY_SECOND
    uncut = "question"

    def __init__(self, hf_config: Any, tokenizer: Any) -> None:
        self._head = make_head(hf_config, tokenizer)
        self._cls_token_id = tokenizer.cls_token_id

    def choose(self, reading: Reading, output: Any, target: str | None) -> tuple[dict[str, object], Score]:
        if target is not None:
            raise InvalidParameter(
                "question-answering explains its best answer and takes no target", "/parameters/target"
            )
        rows = [torch.stack((output.start_logits[0], output.end_logits[0]), dim=-1).float().cpu().numpy()]
        seen = Reading(source=reading.source, texts=reading.texts, rows=rows)
        answer: Any = next(iter(self._head([seen], QuestionAnsweringParameters(align_to_words=False))))
        if not answer["answer"]:
            raise InvalidInput("the model finds no answer in this context, and there is nothing to explain")
        (text,) = reading.texts
        assert text.sources is not None
        assert text.offsets is not None
        inside = (text.sources == 1) & (text.offsets[:, 0] >= answer["start"]) & (text.offsets[:, 1] <= answer["end"])
        first, last = np.flatnonzero(inside)[[0, -1]]
        # As in the head: the first token stands for "no answer", and has its share of the probability.
        outside = torch.from_numpy((text.sources != 1) & (text.ids != self._cls_token_id))
        outside = outside.to(output.start_logits.device)

        def score(output: Any) -> Tensor:
            starts, ends = (
                logits.float().masked_fill(outside, -torch.inf).softmax(-1)
                for logits in (output.start_logits, output.end_logits)
            )
            shares: Tensor = starts[:, int(first)] * ends[:, int(last)]
            return shares

        return {name: answer[name] for name in ("answer", "start", "end")}, score


SUBJECTS: dict[Task, Callable[[Any, Any], Subject]] = {
    Task.TEXT_CLASSIFICATION: LabelSubject,
    Task.QUESTION_ANSWERING: AnswerSubject,
}
