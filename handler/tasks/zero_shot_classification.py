"""zero-shot-classification: labels by how far the text entails what each of them claims.

A GLiClass model (gliclass 0.1.21) reads all labels with the text at once, and claims nothing of them.
"""

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar

import msgspec
import numpy as np
from msgspec import Meta

from ..candidates.settings import LABEL_TOKEN, TEXT_TOKEN, CandidateSettings
from ..config import MAX_TEXTS_PER_REQUEST, HandlerConfig, Task
from ..errors import InvalidParameter
from ..inputs import NonEmpty, TextInput, TextObject
from ..parameters import CutParameters
from ..text.passages import Cut, Layout, Passages, TextPair
from .kind import Head, Reading, Reads, TaskKind, one_by_one
from .scores import Numbers, labels_of, sigmoid, softmax

HYPOTHESIS = "This example is {}."
LABELS_AT = "/parameters/candidate_labels"
LEAST_ROOM = 4  # a text that is cut beside its labels has at least this part of the model's tokens


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
    """Read the text with what each label claims about it, or with all labels; only the text is cut."""
    if config.candidates is not None:
        return plan_candidates(source, parameters, config.candidates, config.max_tokens)
    # Not str.format, which reads attributes of what it is given: "{0.__class__}".
    claims = [parameters.hypothesis_template.replace("{}", label) for label in parameters.labels]
    pairs = tuple(TextPair(text=source.text, text_pair=claim) for claim in claims)
    uncut = "hypothesis of one of candidate_labels"
    layout = Layout(max_tokens=config.max_tokens, cut=Cut.ONLY_FIRST, uncut=uncut, uncut_at=LABELS_AT)
    return Passages(pairs=pairs, layout=layout)


def plan_candidates(
    source: TextInput, parameters: ZeroShotParameters, settings: CandidateSettings, max_tokens: int
) -> Passages:
    """Read the text and all labels as one; InvalidParameter for what the model could not tell from its own tokens."""
    if parameters.hypothesis_template != HYPOTHESIS:
        raise InvalidParameter(
            "this model reads the labels themselves, and claims nothing of them: leave hypothesis_template out",
            "/parameters/hypothesis_template",
        )
    labels = parameters.labels
    if any(token in label for label in labels for token in (LABEL_TOKEN, TEXT_TOKEN)):
        raise InvalidParameter(f"a label holds {LABEL_TOKEN} or {TEXT_TOKEN}, which stand between labels", LABELS_AT)
    prompt = "".join(LABEL_TOKEN + label for label in labels)
    texts = (prompt, TEXT_TOKEN + source.text) if settings.labels_first else (source.text, prompt + TEXT_TOKEN)
    layout = Layout(
        max_tokens=max_tokens,
        cut=Cut.ONLY_SECOND if settings.labels_first else Cut.ONLY_FIRST,
        uncut="list of candidate_labels",
        uncut_at=LABELS_AT,
        least=max(1, max_tokens // LEAST_ROOM),
    )
    return Passages(pairs=(TextPair(text=texts[0], text_pair=texts[1], is_one=True),), layout=layout)


def make_head(hf_config: Any, _: Any, config: HandlerConfig) -> Head[ZeroShotParameters]:
    """Make the head: NLI logits [labels, 3], or one for each label -> the text, its labels and their scores."""
    if config.candidates is not None:
        return make_candidate_head(config.candidates)
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
        return rank(reading, parameters.labels, scores)

    return head


def make_candidate_head(settings: CandidateSettings) -> Head[ZeroShotParameters]:
    """Make the head: a logit for each label token [C] -> the text, its labels and their scores.

    A text may hold further label tokens; the labels' own are the first, or the last behind the text.
    """

    @one_by_one
    def head(reading: Reading, parameters: ZeroShotParameters) -> dict[str, object]:
        (row,), labels = reading.rows, parameters.labels
        own = row[: len(labels)] if settings.labels_first else row[-len(labels) :]
        score = sigmoid if parameters.multi_label or len(labels) == 1 else softmax
        return rank(reading, labels, score(own.astype(np.float64)))

    return head


def rank(reading: Reading, labels: Sequence[str], scores: Numbers) -> dict[str, object]:
    """Return the text and its labels, best first."""
    order = np.argsort(scores)[::-1]
    return {
        "sequence": reading.source.text,
        "labels": [labels[index] for index in order],
        "scores": scores[order].tolist(),
    }


ZERO_SHOT_CLASSIFICATION = TaskKind(
    task=Task.ZERO_SHOT_CLASSIFICATION,
    input_object=TextObject,
    parameters=ZeroShotParameters,
    plan=plan,
    reads=Reads.TEXT_LOGITS,
    make_head=make_head,
    results=(RankedLabels,),
)
