"""zero-shot-classification: labels by how far the text entails what each of them claims."""

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar

import msgspec
import numpy as np
from msgspec import Meta

from ..config import MAX_TEXTS_PER_REQUEST, HandlerConfig, Task
from ..inputs import NonEmpty, TextInput, TextObject
from ..parameters import CutParameters
from ..text.passages import Cut, Layout, Passages, TextPair
from .kind import Head, Reading, Reads, TaskKind, one_by_one
from .scores import labels_of, softmax

HYPOTHESIS = "This example is {}."


class ZeroShotParameters(CutParameters, frozen=True, kw_only=True):
    """zero-shot-classification: the parameters of transformers' pipeline."""

    example: ClassVar[str] = '{"candidate_labels": ["one label", "another"]}'
    candidate_labels: NonEmpty | Annotated[list[NonEmpty], Meta(min_length=1, max_length=MAX_TEXTS_PER_REQUEST)]
    """Labels to choose from, as a list or separated by commas."""
    hypothesis_template: Annotated[str, Meta(max_length=1000)] = HYPOTHESIS
    """What is asked of a label, which stands for {}."""
    multi_label: bool = False
    """Score each label on its own."""

    def __post_init__(self) -> None:
        check_labels(self.labels)
        if self.hypothesis_template.count("{}") != 1:
            raise ValueError("`hypothesis_template` needs one {}, where the label goes")

    @property
    def labels(self) -> list[str]:
        """Labels in the order in which they were sent."""
        return list_labels(self.candidate_labels)


def list_labels(said: str | list[str]) -> list[str]:
    """Return the labels of a list, or of a string that separates them by commas."""
    return said if isinstance(said, list) else [label.strip() for label in said.split(",") if label.strip()]


def check_labels(labels: Sequence[str]) -> None:
    """ValueError where there is none, or where there are too many."""
    if not labels:
        raise ValueError("`candidate_labels` needs at least one label")
    if len(labels) > MAX_TEXTS_PER_REQUEST:
        raise ValueError(f"`candidate_labels` has {len(labels)} labels, and at most {MAX_TEXTS_PER_REQUEST} are read")


class RankedLabels(msgspec.Struct, kw_only=True):
    """The candidate labels, best first."""

    sequence: str
    labels: list[str]
    scores: list[float]


def plan(source: TextInput, parameters: ZeroShotParameters, config: HandlerConfig) -> Passages:
    """Read the text with what each label claims about it; only the text is cut."""
    # Not str.format, which reads attributes of what it is given: "{0.__class__}".
    claims = [parameters.hypothesis_template.replace("{}", label) for label in parameters.labels]
    pairs = tuple(TextPair(text=source.text, text_pair=claim) for claim in claims)
    return Passages(pairs=pairs, layout=Layout(max_tokens=config.max_tokens, cut=Cut.ONLY_FIRST))


def make_head(hf_config: Any, *_: Any) -> Head[ZeroShotParameters]:
    """Make the head: NLI logits [labels, 3] -> the text, its labels and their scores, best first."""
    names = [label.lower() for label in labels_of(hf_config)]
    entailment = next(index for index, name in enumerate(names) if name.startswith("entail"))
    # transformers' rule, which takes the first other label to be the contradiction, or the last (zero_shot_...py).
    contradiction = -1 if entailment == 0 else 0

    @one_by_one
    def head(reading: Reading, parameters: ZeroShotParameters) -> dict[str, object]:
        logits = np.stack(reading.rows, dtype=np.float64)
        if parameters.multi_label or len(logits) == 1:
            scores = softmax(logits[:, [contradiction, entailment]])[:, 1]
        else:
            scores = softmax(logits[:, entailment])
        order = np.argsort(scores)[::-1]
        labels = parameters.labels
        return {
            "sequence": reading.source.text,
            "labels": [labels[index] for index in order],
            "scores": scores[order].tolist(),
        }

    return head


ZERO_SHOT_CLASSIFICATION = TaskKind(
    task=Task.ZERO_SHOT_CLASSIFICATION,
    input_object=TextObject,
    parameters=ZeroShotParameters,
    plan=plan,
    reads=Reads.TEXT_LOGITS,
    make_head=make_head,
    results=(RankedLabels,),
)
