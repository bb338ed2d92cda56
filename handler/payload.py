"""The values that every door translates to and from: texts in, predictions out. Pure: no torch, no TorchServe.

request -> Request (TextInputs and Parameters) | DeepCheck | Rejected; list[Prediction] | Rejected -> Response.
"""

from dataclasses import dataclass

from .config import MAX_INPUTS_PER_REQUEST, Task
from .errors import InvalidInput, RequestError, TooManyInputs
from .parameters import ExplanationParameters, Parameters
from .wire import json_type, quote

# The keys of an input that is an object, the first text's first; the second is read with it.
INPUT_KEYS: dict[Task, tuple[str, ...]] = {
    Task.EMBEDDINGS: ("text",),
    Task.TEXT_CLASSIFICATION: ("text", "text_pair"),
    Task.TOKEN_CLASSIFICATION: ("text",),
    Task.QUESTION_ANSWERING: ("question", "context"),
    Task.FILL_MASK: ("text",),
    Task.TEXT_RANKING: ("query", "texts"),
    Task.ZERO_SHOT_CLASSIFICATION: ("text",),
}
TASKS_WITH_OPTIONAL_PAIRS = frozenset({Task.TEXT_CLASSIFICATION})


@dataclass(frozen=True, slots=True, kw_only=True)
class TextInput:
    """One text, or a pair of texts that the model reads together, or one that it reads with each of several."""

    text: str
    """A question, or a query, for the tasks that have one."""
    text_pair: str | None = None
    """The context of a question."""
    texts: tuple[str, ...] = ()
    """What a query is held against."""
    param: str
    """JSON pointer of this input in the request's body."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request's checked inputs. `is_list` says whether a list was sent, and so whether one comes back."""

    inputs: tuple[TextInput, ...]
    is_list: bool
    parameters: Parameters
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


Parsed = Request | DeepCheck | Describe | Rejected


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """The result for one input."""

    value: object
    """What transformers' pipeline gives for it, as plain JSON values."""
    num_tokens: int
    """Tokens that the model saw, special tokens included."""
    is_truncated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """One request's answer. Header values are ASCII that we made: user text there could kill the worker."""

    status: int
    phrase: str
    body: bytes
    headers: dict[str, str]


def parse_inputs(value: object, task: Task) -> tuple[TextInput, ...]:
    """`inputs` of a native request, one input or a list; raises InvalidInput or TooManyInputs."""
    if not isinstance(value, list):
        return (_parse_input(value, task, "/inputs"),)
    if not value:
        raise InvalidInput("inputs is an empty list: send at least one text", "/inputs")
    if len(value) > MAX_INPUTS_PER_REQUEST:
        raise TooManyInputs(
            f"inputs has {len(value)} entries; a request takes at most {MAX_INPUTS_PER_REQUEST}: send several requests",
            "/inputs",
        )
    return tuple(_parse_input(item, task, f"/inputs/{index}") for index, item in enumerate(value))


def _parse_input(value: object, task: Task, param: str) -> TextInput:
    first, *others = INPUT_KEYS[task]
    is_optional = task in TASKS_WITH_OPTIONAL_PAIRS
    if isinstance(value, str) and (is_optional or not others):
        return TextInput(text=value, param=param)
    if not isinstance(value, dict) or not _fits(value, task):
        raise InvalidInput(_explain_input(value, task), param)
    second = value.get(others[0]) if others else None
    if isinstance(second, list):
        return TextInput(text=value[first], texts=tuple(second), param=param)
    return TextInput(text=value[first], text_pair=second, param=param)


def _fits(value: dict[str, object], task: Task) -> bool:
    """Whether an object has the task's keys and each holds what it should."""
    keys = INPUT_KEYS[task]
    return set(_needed_keys(task)) <= set(value) <= set(keys) and all(_is_valid(key, value[key], task) for key in value)


def _needed_keys(task: Task) -> tuple[str, ...]:
    keys = INPUT_KEYS[task]
    return keys[:1] if task in TASKS_WITH_OPTIONAL_PAIRS else keys


def _is_valid(key: str, value: object, task: Task) -> bool:
    if key == "texts":
        return isinstance(value, list) and bool(value) and all(isinstance(text, str) for text in value)
    return isinstance(value, str) and (bool(value) or task is not Task.QUESTION_ANSWERING)


def _explain_input(value: object, task: Task) -> str:
    keys = INPUT_KEYS[task]
    wanted = f"{task} takes {_describe_input(task)}"
    if not isinstance(value, dict):
        return f"an input is {json_type(value)}; {wanted}"
    if unknown := [key for key in value if key not in keys]:
        return f"an input has the unknown key {quote(unknown[0])}; {wanted}"
    if missing := [key for key in _needed_keys(task) if key not in value]:
        return f"an input has no key {missing[0]!r}; {wanted}"
    wrong = next(key for key in value if not _is_valid(key, value[key], task))
    return f"{wrong!r} of an input is {'empty' if value[wrong] == '' else json_type(value[wrong])}; {wanted}"


def _describe_input(task: Task) -> str:
    if task is Task.TEXT_RANKING:
        return "an object with the string query and texts, a list of at least one string"
    keys = " and ".join(INPUT_KEYS[task])
    if task is Task.QUESTION_ANSWERING:
        return f"an object with the strings {keys}, neither of them empty"
    return f"a string or an object with the strings {keys}"


def encode_error(error: RequestError) -> dict[str, object]:
    """An error as the contract's object; code is the HTTP status and type the class's name."""
    return {
        "code": error.status,
        "type": type(error).__name__,
        "message": error.message,
        "param": error.param,
    }
