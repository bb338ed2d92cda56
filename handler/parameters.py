"""What each task's requests may set: transformers' names and defaults where it has them. Pure."""

from enum import EnumType, StrEnum
from functools import cache
from typing import Annotated, get_args

import msgspec
from msgspec import UNSET, Meta, UnsetType

from .config import MAX_TEXTS_PER_REQUEST, ScoreFunction, Task
from .inputs import NonEmpty

LARGEST = 2**31 - 1  # of a number: more has no use, and no place in an error message
Count = Annotated[int, Meta(ge=1, le=LARGEST)]
Stride = Annotated[int, Meta(ge=0, le=LARGEST)]
MAX_NAMES = 1000
HYPOTHESIS = "This example is {}."
DEFAULT_WINDOW_TOKENS = 384  # transformers' question-answering pipeline, max_seq_len
DEFAULT_STRIDE_TOKENS = 128  # likewise, doc_stride; the widest overlap that we take for token-classification too


class AggregationStrategy(StrEnum):
    """How tokens become entities; transformers' names (pipelines/token_classification.py)."""

    NONE = "none"
    SIMPLE = "simple"
    FIRST = "first"
    AVERAGE = "average"
    MAX = "max"


class RankingFunction(StrEnum):
    """What turns a logit into the one score of a text."""

    SIGMOID = ScoreFunction.SIGMOID
    NONE = ScoreFunction.NONE


class Parameters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the requests of one task may set."""


class CutParameters(Parameters, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of a task that reads as much of a text as the model takes."""

    truncation: bool = True
    """Cut texts that are longer than the model takes. false: such a text is an InputTooLong error."""


class EmbeddingParameters(CutParameters, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """embeddings: sentence-transformers' names, and OpenAI's `dimensions`."""

    prompt_name: str | None = None
    """Which of the checkpoint's prompts goes before each text. Absent: its default, if it has one."""
    dimensions: Count | None = None
    """Keep that many values of each vector, and scale what is left to length 1."""


class ClassificationParameters(CutParameters, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """text-classification: the parameters of transformers' pipeline."""

    top_k: UnsetType | Count | None = UNSET
    """Absent: the best label as one object. A number or null (all labels): a list, best first."""
    function_to_apply: ScoreFunction | None = None
    """Absent: what the checkpoint's problem_type says."""
    threshold: float | Annotated[dict[str, float], Meta(max_length=MAX_NAMES)] | None = None
    """Keep only labels with at least this score: one for all, or by label (0 for the rest). A list, perhaps empty."""


class TokenClassificationParameters(Parameters, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """token-classification: the parameters of transformers' pipeline. A long text is read in windows."""

    aggregation_strategy: AggregationStrategy = AggregationStrategy.NONE
    """`none`: every token by itself."""
    ignore_labels: Annotated[list[str], Meta(max_length=MAX_NAMES)] = msgspec.field(default_factory=lambda: ["O"])
    """Labels that are left out."""
    stride: Stride | None = None
    """Tokens that neighbouring windows share. Absent: 128, or a quarter of a smaller window."""


class QuestionAnsweringParameters(Parameters, frozen=True, kw_only=True, forbid_unknown_fields=True):
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


class FillMaskParameters(CutParameters, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """fill-mask: the parameters of transformers' pipeline."""

    top_k: Annotated[int, Meta(ge=1, le=100)] = 5
    """Words for each mask: each is a text of its own in the answer."""
    targets: str | Annotated[list[str], Meta(max_length=MAX_NAMES)] | None = None
    """Score these words only. One that is no single token counts as its first."""


class RankingParameters(CutParameters, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """text-ranking: sentence-transformers' CrossEncoder.rank."""

    top_k: Count | None = None
    """How many of the texts to return. Absent: all."""
    function_to_apply: RankingFunction | None = None
    """Absent: what the checkpoint says, else sigmoid."""


class ZeroShotParameters(CutParameters, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """zero-shot-classification: the parameters of transformers' pipeline."""

    candidate_labels: NonEmpty | Annotated[list[NonEmpty], Meta(min_length=1, max_length=MAX_TEXTS_PER_REQUEST)]
    """Labels to choose from, as a list or separated by commas."""
    hypothesis_template: Annotated[str, Meta(max_length=1000)] = HYPOTHESIS
    """What is asked of a label, which stands for {}."""
    multi_label: bool = False
    """Score each label on its own."""

    def __post_init__(self) -> None:
        if not self.labels:
            raise ValueError("`candidate_labels` needs at least one label")
        if len(self.labels) > MAX_TEXTS_PER_REQUEST:
            raise ValueError(
                f"`candidate_labels` has {len(self.labels)} labels, and at most {MAX_TEXTS_PER_REQUEST} are read"
            )
        if self.hypothesis_template.count("{}") != 1:
            raise ValueError("`hypothesis_template` needs one {}, where the label goes")

    @property
    def labels(self) -> list[str]:
        """The labels in the order in which they were sent."""
        if isinstance(self.candidate_labels, list):
            return self.candidate_labels
        return [label.strip() for label in self.candidate_labels.split(",") if label.strip()]


class ExplanationParameters(CutParameters, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """/explanations, of text-classification and question-answering."""

    target: str | None = None
    """text-classification: the label to explain. Absent: the best one."""
    n_steps: Annotated[int, Meta(ge=1, le=300)] = 20
    """Steps of the path integral; captum's name. More steps, smaller convergence_delta."""


TASK_PARAMETERS: dict[Task, type[Parameters]] = {
    Task.EMBEDDINGS: EmbeddingParameters,
    Task.TEXT_CLASSIFICATION: ClassificationParameters,
    Task.TOKEN_CLASSIFICATION: TokenClassificationParameters,
    Task.QUESTION_ANSWERING: QuestionAnsweringParameters,
    Task.FILL_MASK: FillMaskParameters,
    Task.TEXT_RANKING: RankingParameters,
    Task.ZERO_SHOT_CLASSIFICATION: ZeroShotParameters,
}


@cache  # every request has it at hand, and hardly any needs it
def describe_parameters(kind: type[Parameters], subject: str) -> str:
    """What `subject` (a task, or an explanation) takes, for an error message."""
    names = ", ".join(_describe_field(field) for field in msgspec.structs.fields(kind))
    return f"{subject} takes the parameters {names}"


def _describe_field(field: msgspec.structs.FieldInfo) -> str:
    """Its name, and what it may be where that is one of a few words."""
    choices: list[str] = []
    for kind in (field.type, *get_args(field.type)):
        choices += list(kind) if isinstance(kind, EnumType) else []
    return f"{field.name} ({', '.join(choices)})" if choices else field.name
