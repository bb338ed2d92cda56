"""An input to the texts and pairs that the model reads for it: one function per task, one table. Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from ..config import HandlerConfig, Task
from ..errors import InvalidParameter
from ..parameters import (
    DEFAULT_STRIDE_TOKENS,
    DEFAULT_WINDOW_TOKENS,
    EmbeddingParameters,
    Parameters,
    QuestionAnsweringParameters,
    TokenClassificationParameters,
    ZeroShotParameters,
)
from ..payload import TextInput
from ..wire import quote


@dataclass(frozen=True, slots=True, kw_only=True)
class TextPair:
    """One text, or two that the model reads together, or a text's tokens in its place."""

    text: str
    text_pair: str | None = None
    token_ids: tuple[int, ...] | None = None


class Cut(StrEnum):
    """Which text of a pair gives way when both are too long together; tokenizers' names."""

    LONGEST_FIRST = "longest_first"
    ONLY_FIRST = "only_first"
    ONLY_SECOND = "only_second"


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What becomes of a text that is too long."""

    max_tokens: int
    """Special tokens included."""
    cut: Cut = Cut.LONGEST_FIRST
    stride: int | None = None
    """Read it in windows that share this many tokens with their neighbours. None: read its beginning."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Passages:
    """What the model reads for one input."""

    pairs: tuple[TextPair, ...]
    layout: Layout
    keeps_places: bool = False
    """Whether its head asks where in the text a token stands."""
    needs_masks: bool = False
    """Whether it must hold a mask, and not too many."""


Planner = Callable[[TextInput, Parameters, HandlerConfig], Passages]


def plan_text(source: TextInput, _: Parameters, config: HandlerConfig) -> Passages:
    """text-classification: the text or the pair itself."""
    pair = TextPair(text=source.text, text_pair=source.text_pair)
    return Passages(pairs=(pair,), layout=Layout(max_tokens=config.max_tokens))


def plan_masked_text(source: TextInput, _: Parameters, config: HandlerConfig) -> Passages:
    """fill-mask: the text itself."""
    pair = TextPair(text=source.text)
    return Passages(pairs=(pair,), layout=Layout(max_tokens=config.max_tokens), needs_masks=True)


def plan_embedding(source: TextInput, parameters: Parameters, config: HandlerConfig) -> Passages:
    """embeddings: the text behind its prompt, or token ids as they are."""
    assert isinstance(parameters, EmbeddingParameters)
    layout = Layout(max_tokens=config.max_tokens)
    if source.token_ids is not None:
        if parameters.prompt_name is not None:
            raise InvalidParameter("prompt_name goes before texts, not before token ids", "/parameters/prompt_name")
        return Passages(pairs=(TextPair(text="", token_ids=source.token_ids),), layout=layout)
    name = config.default_prompt if parameters.prompt_name is None else parameters.prompt_name
    if name is not None and name not in config.prompts:
        known = f"this model has {', '.join(config.prompts)}" if config.prompts else "this model has none"
        raise InvalidParameter(f"unknown prompt {quote(name)}; {known}", "/parameters/prompt_name")
    text = source.text if name is None else config.prompts[name] + source.text
    return Passages(pairs=(TextPair(text=text),), layout=layout)


def plan_token_classification(source: TextInput, parameters: Parameters, config: HandlerConfig) -> Passages:
    """token-classification: the whole text, in windows where it is long."""
    assert isinstance(parameters, TokenClassificationParameters)
    default = min(DEFAULT_STRIDE_TOKENS, config.max_tokens // 4)
    stride = _check_stride("stride", parameters.stride, default, config.max_tokens)
    layout = Layout(max_tokens=config.max_tokens, stride=stride)
    return Passages(pairs=(TextPair(text=source.text),), layout=layout, keeps_places=True)


def plan_question(source: TextInput, parameters: Parameters, config: HandlerConfig) -> Passages:
    """question-answering: the question with each window of its context."""
    assert isinstance(parameters, QuestionAnsweringParameters)
    window = parameters.max_seq_len or min(config.max_tokens, DEFAULT_WINDOW_TOKENS)
    if window > config.max_tokens:
        raise InvalidParameter(
            f"max_seq_len is {window}; this model takes at most {config.max_tokens} tokens", "/parameters/max_seq_len"
        )
    stride = _check_stride("doc_stride", parameters.doc_stride, min(DEFAULT_STRIDE_TOKENS, window // 2), window)
    pair = TextPair(text=source.text, text_pair=source.text_pair)
    layout = Layout(max_tokens=window, cut=Cut.ONLY_SECOND, stride=stride)
    return Passages(pairs=(pair,), layout=layout, keeps_places=True)


def _check_stride(name: str, stride: int | None, default: int, window: int) -> int:
    """More overlap would read each token more than twice."""
    if stride is not None and stride > window // 2:
        raise InvalidParameter(
            f"{name} is {stride}; it is at most {window // 2}, half of a window of {window} tokens",
            f"/parameters/{name}",
        )
    return default if stride is None else stride


def plan_ranking(source: TextInput, _: Parameters, config: HandlerConfig) -> Passages:
    """text-ranking: the query with each of the texts."""
    pairs = tuple(TextPair(text=source.text, text_pair=text) for text in source.texts)
    return Passages(pairs=pairs, layout=Layout(max_tokens=config.max_tokens))


def plan_zero_shot(source: TextInput, parameters: Parameters, config: HandlerConfig) -> Passages:
    """zero-shot-classification: the text with what is claimed of it by each label, which is never cut."""
    assert isinstance(parameters, ZeroShotParameters)
    # Not str.format, which reads attributes of what it is given: "{0.__class__}".
    claims = [parameters.hypothesis_template.replace("{}", label) for label in parameters.labels]
    pairs = tuple(TextPair(text=source.text, text_pair=claim) for claim in claims)
    return Passages(pairs=pairs, layout=Layout(max_tokens=config.max_tokens, cut=Cut.ONLY_FIRST))


TASK_PASSAGES: dict[Task, Planner] = {
    Task.EMBEDDINGS: plan_embedding,
    Task.TEXT_CLASSIFICATION: plan_text,
    Task.TOKEN_CLASSIFICATION: plan_token_classification,
    Task.QUESTION_ANSWERING: plan_question,
    Task.FILL_MASK: plan_masked_text,
    Task.TEXT_RANKING: plan_ranking,
    Task.ZERO_SHOT_CLASSIFICATION: plan_zero_shot,
}
