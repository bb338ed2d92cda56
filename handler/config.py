"""What the handler can be told: the `handler` section of model-config.yaml, checked once, frozen after.

It knows neither torch nor TorchServe, so that berth can write and check the same section while packing.
"""

import dataclasses
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import Any, Self, TypeVar

from .candidates.settings import CandidateSettings
from .errors import ConfigError
from .precision import ON_CUDA, Precision, cpu_flags, fast_precisions
from .spans.settings import SpanSettings
from .vectors.settings import Vectors

MAX_INPUTS_PER_REQUEST = 256
MAX_TEXTS_PER_REQUEST = 256  # what the model reads for them: each pair and each window of a long text is one
MAX_TOKENS_PER_REQUEST = 131_072  # in all those texts: 256 of 512 tokens, the length that BERT takes
MAX_MASKS_PER_INPUT = 32  # each is a score for every word of the vocabulary: 1 MB of XLM-RoBERTa's
KNOWN_WORDS_STEP = 997  # of a vocabulary's logits every so many are known answers: 30 of BERT's, 250 of XLM-RoBERTa's
KNOWN_SPANS_STEP = 7  # of the scores of spans every so many are known answers: 2,000 of 384 words and 3 types
KNOWN_WORD_SUMS = 61  # of a sparse vector's weights so many sums are known answers
DEFAULT_MAX_BYTES = 6_553_500  # TorchServe 0.12's own default of max_request_size and max_response_size
# CPU: 1024 to 4096 tokens are equally fast, more is slower (MiniLM, 2 cores of an AMD EPYC, 2026-11-22). CUDA: enough
# to keep a large card busy; TEI's max_batch_tokens has the same default.
TOKEN_BUDGETS = {"cpu": 4096, "cuda": 16384}
VOCABULARY_PER_TOKEN = 4096  # scores of that many words take about the memory that one token's activations take
TOKENS_PER_SLOT = 6  # of a recorded pass (engine/graphs): a text of fewer on average takes a larger one
TRIED = ("cpu_precisions", "int8_kept", "cpu_refused")

E = TypeVar("E", bound=StrEnum)


class Task(StrEnum):
    """What a checkpoint answers; the names of the Hugging Face Hub's pipeline tags where there is one."""

    EMBEDDINGS = "embeddings"
    TEXT_CLASSIFICATION = "text-classification"
    TOKEN_CLASSIFICATION = "token-classification"  # noqa: S105 - no password
    QUESTION_ANSWERING = "question-answering"
    FILL_MASK = "fill-mask"
    TEXT_RANKING = "text-ranking"
    ZERO_SHOT_CLASSIFICATION = "zero-shot-classification"
    ZERO_SHOT_TOKEN_CLASSIFICATION = "zero-shot-token-classification"  # noqa: S105 - no password


class Device(StrEnum):
    """What BERTH_DEVICE may say. `auto`: a GPU where there is one."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"


class LoneTexts(StrEnum):
    """What BERTH_LONE_TEXTS may say: what reads a text that is alone in its batch, on a CPU in fp32."""

    TORCH = "torch"
    OPENVINO = "openvino"


class Activation(StrEnum):
    """What may follow a Dense module's matrix: classes of torch.nn, by their names."""

    ELU = "ELU"
    GELU = "GELU"
    IDENTITY = "Identity"
    LEAKY_RELU = "LeakyReLU"
    MISH = "Mish"
    RELU = "ReLU"
    SELU = "SELU"
    SIGMOID = "Sigmoid"
    SILU = "SiLU"
    SOFTPLUS = "Softplus"
    TANH = "Tanh"


class Pooling(StrEnum):
    """How token vectors become one text vector; sentence-transformers' names (its 1_Pooling/config.json)."""

    MEAN = "mean"
    CLS = "cls"
    MAX = "max"
    MEAN_SQRT_LEN = "mean_sqrt_len_tokens"
    WEIGHTED_MEAN = "weightedmean"
    LAST = "lasttoken"


class ScoreFunction(StrEnum):
    """What turns logits into scores; transformers' names (pipelines/text_classification.py)."""

    SOFTMAX = "softmax"
    SIGMOID = "sigmoid"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class HandlerConfig:
    """One model's settings. Every field is checked in `from_mapping`; after that the type means valid."""

    task: Task
    max_tokens: int
    """Longest text in tokens, special tokens included; 1 or more. Longer texts are cut and reported."""
    token_budget: int | None = None
    """Most tokens that one forward pass sees; at least max_tokens. Bounds the memory of activations.
    None: what suits the device (TOKEN_BUDGETS)."""
    precision: Precision = Precision.AUTO
    cpu_precisions: Mapping[str, float] = field(default_factory=dict)
    """What `fastest` may choose on a CPU: precisions whose answers packing has held against those of fp32, with the
    least cosine of two vectors, or the largest difference of two scores."""
    int8_kept: tuple[int, ...] = ()
    """Numbers of the layers that stay in fp32 where the others are in int8."""
    cpu_refused: Mapping[str, str] = field(default_factory=dict)
    """What packing has tried for `fastest` and not proven, by precision, and why: its measure, or no answer at all."""
    pooling: tuple[Pooling, ...] = (Pooling.MEAN,)
    """Embeddings only: 1 or more, whose vectors are joined in this order."""
    dense: tuple[str, ...] = ()
    """Embeddings only: the checkpoint's folders of Dense and LayerNorm modules, which follow the pooling in this
    order."""
    normalize: bool = False
    """Embeddings only: vectors of length 1."""
    truncate_dim: int | None = None
    """Embeddings only: how many values of each vector are kept, as they are, for a request that does not say."""
    prompts: Mapping[str, str] = field(default_factory=dict)
    """Embeddings only: what `prompt_name` may say, and the text that it puts before every input."""
    default_prompt: str | None = None
    """Embeddings only: the `prompt_name` of a request that names none."""
    vectors: Vectors | None = None
    """Embeddings only: how other vectors than one dense one are made. None: one dense vector alone."""
    score_function: ScoreFunction | None = None
    """text-ranking only: what turns a logit into a score. None: a sigmoid."""
    spans: SpanSettings | None = None
    """zero-shot-token-classification only: how the model reads words and types of entities."""
    candidates: CandidateSettings | None = None
    """zero-shot-classification only: how the model reads all labels at once. None: it reads a claim for each."""
    heads: tuple[str, ...] = ()
    """Names of the heads that read one encoder, the one that answers by default first; empty: only the checkpoint's."""
    requires: tuple[str, ...] = ()
    """The version ranges of the packages that the handler imports, as in setup.cfg: `torch>=2.11,<2.15`."""

    @classmethod
    def from_mapping(cls, section: object) -> Self:
        """Read the `handler` section of model-config.yaml; ConfigError names what is wrong with it."""
        if not isinstance(section, Mapping):
            raise ConfigError("model-config.yaml has no `handler` section: pack the checkpoint with `berth pack`")
        if unknown := sorted(set(section) - set(_CHECKS)):
            raise ConfigError(f"model-config.yaml: unknown setting {unknown[0]!r}; known: {', '.join(_CHECKS)}")
        if missing := [name for name in ("task", "max_tokens") if name not in section]:
            raise ConfigError(f"model-config.yaml: the handler setting {missing[0]!r} is missing")
        config = cls(**{name: _CHECKS[name](name, value) for name, value in section.items()})
        if config.token_budget is not None and config.token_budget < config.max_tokens:
            raise ConfigError(
                f"model-config.yaml: token_budget {config.token_budget} is below max_tokens {config.max_tokens}: "
                "one text of full length would never fit into a forward pass"
            )
        if config.score_function is ScoreFunction.SOFTMAX:
            raise ConfigError(
                "model-config.yaml: score_function is softmax; a ranked text has one score: sigmoid or none"
            )
        if (config.task is Task.ZERO_SHOT_TOKEN_CLASSIFICATION) != (config.spans is not None):
            raise ConfigError(
                f"model-config.yaml: spans are for {Task.ZERO_SHOT_TOKEN_CLASSIFICATION}, which needs them"
            )
        if config.candidates is not None and config.task is not Task.ZERO_SHOT_CLASSIFICATION:
            raise ConfigError(f"model-config.yaml: candidates are for {Task.ZERO_SHOT_CLASSIFICATION}")
        if config.default_prompt is not None and config.default_prompt not in config.prompts:
            raise ConfigError(f"model-config.yaml: default_prompt {config.default_prompt!r} is not among the prompts")
        return config

    def precisions_on(self, device: str, flags: Collection[str] | None = None) -> list[Precision]:
        """Return the weights' types to try on `cpu` or `cuda`, the best first; `flags`: those of another CPU."""
        if device == "cuda":
            return [ON_CUDA.get(self.precision, self.precision)]
        if self.precision is Precision.FASTEST:
            fast = fast_precisions(cpu_flags() if flags is None else flags)
            return [*(each for each in fast if each in self.cpu_precisions), Precision.FP32]
        return [Precision.FP32 if self.precision is Precision.AUTO else self.precision]

    @property
    def tried_on_cpu(self) -> dict[str, object]:
        """What packing has found out for `fastest`; empty where it was not asked to."""
        return {name: value for name, value in self.to_mapping().items() if name in TRIED}

    def token_budget_on(self, device: str) -> int:
        """Return the most tokens that one forward pass may have on `cpu` or `cuda`."""
        return self.token_budget or max(TOKEN_BUDGETS[device], self.max_tokens)

    def to_mapping(self) -> dict[str, object]:
        """Return the plain values that `from_mapping` reads, in order; what is empty or left open is absent."""
        values = {setting.name: getattr(self, setting.name) for setting in dataclasses.fields(self)}
        return {name: _plain(value) for name, value in values.items() if value not in (None, (), {})}


def _plain(value: object) -> object:
    match value:
        case StrEnum():
            return str(value)
        case (StrEnum() as alone,):  # a string, as the pooling was before there could be several
            return str(alone)
        case tuple():
            return [each if isinstance(each, int) else str(each) for each in value]
        case Vectors() | SpanSettings() | CandidateSettings():
            return value.to_mapping()
        case Mapping():
            return {str(key): each for key, each in value.items()}
        case _:
            return value


def _member(kind: type[E], name: str, value: object) -> E:
    if not isinstance(value, str) or value not in list(kind):
        raise ConfigError(f"model-config.yaml: {name} is {value!r}; it must be one of {', '.join(kind)}")
    return kind(value)


def _positive(name: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ConfigError(f"model-config.yaml: {name} is {value!r}; it must be a whole number of 1 or more")
    return value


def _boolean(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise ConfigError(f"model-config.yaml: {name} is {value!r}; it must be true or false")
    return value


def _string(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise ConfigError(f"model-config.yaml: {name} is {value!r}; it must be a string")
    return value


def _strings(name: str, value: object) -> tuple[str, ...]:
    if isinstance(value, str) or not isinstance(value, Sequence) or not all(isinstance(item, str) for item in value):
        raise ConfigError(f"model-config.yaml: {name} is {value!r}; it must be a list of strings")
    return tuple(value)


def _poolings(name: str, value: object) -> tuple[Pooling, ...]:
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, Sequence) or not values:
        raise ConfigError(f"model-config.yaml: {name} is {value!r}; it must be one or a list of {', '.join(Pooling)}")
    return tuple(_member(Pooling, name, each) for each in values)


def _texts(name: str, value: object) -> dict[str, str]:
    if not isinstance(value, Mapping) or not all(isinstance(item, str) for pair in value.items() for item in pair):
        raise ConfigError(f"model-config.yaml: {name} is {value!r}; it must map names to texts")
    return dict(value)


def _differences(name: str, value: object) -> dict[str, float]:
    if not isinstance(value, Mapping) or not all(isinstance(each, float) for each in value.values()):
        raise ConfigError(f"model-config.yaml: {name} is {value!r}; it must map precisions to numbers")
    return {_member(Precision, name, key): each for key, each in value.items()}


def _whole_numbers(name: str, value: object) -> tuple[int, ...]:
    if not isinstance(value, list) or not all(type(each) is int for each in value):
        raise ConfigError(f"model-config.yaml: {name} is {value!r}; it must be a list of whole numbers")
    return tuple(value)


_CHECKS: dict[str, Callable[[str, object], Any]] = {
    "task": partial(_member, Task),
    "max_tokens": _positive,
    "token_budget": _positive,
    "precision": partial(_member, Precision),
    "cpu_precisions": _differences,
    "int8_kept": _whole_numbers,
    "cpu_refused": _texts,
    "pooling": _poolings,
    "dense": _strings,
    "normalize": _boolean,
    "truncate_dim": _positive,
    "prompts": _texts,
    "default_prompt": _string,
    "vectors": Vectors.from_mapping,
    "score_function": partial(_member, ScoreFunction),
    "spans": SpanSettings.from_mapping,
    "candidates": CandidateSettings.from_mapping,
    "heads": _strings,
    "requires": _strings,
}
