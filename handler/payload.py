"""The values that every door translates to and from: texts in, predictions out. Pure: no torch, no TorchServe.

request -> Request (TextInputs and Parameters) | DeepCheck | Rejected; list[Prediction] | Rejected -> Response.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from .config import MAX_INPUTS_PER_REQUEST, MAX_TEXTS_PER_REQUEST, Task
from .errors import RequestError, TooManyInputs
from .inputs import InputObject, PairObject, QuestionObject, RankingObject, TextObject
from .parameters import ExplanationParameters, Parameters


@dataclass(frozen=True, slots=True, kw_only=True)
class TextInput:
    """One text, or a pair of texts that the model reads together, or one that it reads with each of several."""

    text: str
    """A question, or a query, for the tasks that have one."""
    text_pair: str | None = None
    """The context of a question."""
    texts: tuple[str, ...] = ()
    """What a query is held against."""
    token_ids: tuple[int, ...] | None = None
    """In the text's place: the model's own tokens, special ones included, as the OpenAI door takes them."""
    param: str
    """JSON pointer of this input in the request's body."""

    @property
    def num_characters(self) -> int:
        """Of all its texts together."""
        return len(self.text) + len(self.text_pair or "") + sum(map(len, self.texts))


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request's checked inputs."""

    inputs: tuple[TextInput, ...]
    parameters: Parameters
    param: str = "/inputs"
    """JSON pointer of the inputs in the request's body."""
    is_raw: bool = False
    """Answer with the model's own numbers and nothing made of them: what the known answers are held against."""

    @property
    def explains(self) -> bool:
        """Whether explanations are asked for, and not predictions."""
        return isinstance(self.parameters, ExplanationParameters)


@dataclass(frozen=True, slots=True)
class DeepCheck:
    """A request with an empty body: run a known text and compare."""


@dataclass(frozen=True, slots=True)
class Describe:
    """TorchServe's describe, asked through the management API: what runs here."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """A request that gets its own error while its neighbours get their answers."""

    error: RequestError

    def __post_init__(self) -> None:
        """Its frames would hold the request's body, in a cycle, for as long as nobody collects cycles."""
        self.error.__traceback__ = self.error.__context__ = None


Item = Request | DeepCheck | Describe | Rejected


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelIdentity:
    """The model behind the doors."""

    name: str
    version: str
    task: Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """The result for one input."""

    value: object
    """What transformers' pipeline gives for it, as plain JSON values; a vector is an array."""
    num_tokens: int
    """Tokens that the model saw, special tokens included."""
    is_truncated: bool


Answer = list[Prediction] | Rejected


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """One request's answer. Header values are ASCII that we made: user text there could kill the worker."""

    status: int
    phrase: str
    body: bytes
    headers: dict[str, str]


def check_count(count: int, pointer: str, most: int = MAX_INPUTS_PER_REQUEST) -> None:
    """TooManyInputs for a list that is longer than a request may carry."""
    if count > most:
        name = pointer[1:].replace("/", ".")
        raise TooManyInputs(f"{name} has {count} entries, and a request at most {most}: send several", pointer)


def to_text_input(value: str | InputObject, pointer: str) -> TextInput:
    """A checked input, which stands at `pointer`."""
    match value:
        case PairObject():
            return TextInput(text=value.text, text_pair=value.text_pair, param=pointer)
        case TextObject():
            return TextInput(text=value.text, param=pointer)
        case QuestionObject():
            return TextInput(text=value.question, text_pair=value.context, param=pointer)
        case RankingObject():
            check_count(len(value.texts), f"{pointer}/texts", MAX_TEXTS_PER_REQUEST)
            return TextInput(text=value.query, texts=tuple(value.texts), param=pointer)
    assert isinstance(value, str)
    return TextInput(text=value, param=pointer)


def to_text_inputs(values: Iterable[str | InputObject], pointer: str) -> tuple[TextInput, ...]:
    """A list of checked inputs, which stands at `pointer`."""
    return tuple(to_text_input(value, f"{pointer}/{index}") for index, value in enumerate(values))
