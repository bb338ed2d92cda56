"""The values that every door translates to and from: texts in, predictions out. Pure: no torch, no TorchServe.

request -> Request (TextInputs and Parameters) | DeepCheck | Rejected; list[Prediction] | Rejected -> Response.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

import msgspec

from .config import MAX_INPUTS_PER_REQUEST, Task
from .errors import InvalidInput, InvalidParameter, RequestError, TooManyInputs

MAX_QUOTED = 100  # characters


@dataclass(frozen=True, slots=True, kw_only=True)
class TextInput:
    """One text, or a pair of texts that the model reads together."""

    text: str
    text_pair: str | None = None
    param: str
    """JSON pointer of this input in the request's body."""


class Parameters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every task's request may set."""

    truncation: bool = True
    """Cut texts that are longer than the model takes. false: such a text is an InputTooLong error."""


class ScoreFunction(StrEnum):
    """What turns logits into scores; transformers' names (pipelines/text_classification.py)."""

    SOFTMAX = "softmax"
    SIGMOID = "sigmoid"
    NONE = "none"


class ClassificationParameters(Parameters, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """text-classification: the parameters of transformers' pipeline, with its names and defaults."""

    top_k: msgspec.UnsetType | int | None = msgspec.UNSET
    """Absent: the best label as one object. A number or null (all labels): a list, best first."""
    function_to_apply: ScoreFunction | None = None
    """Absent: what the checkpoint's problem_type says."""

    def __post_init__(self) -> None:
        if isinstance(self.top_k, int) and self.top_k < 1:
            raise ValueError("`top_k` is 1 or more, or null for all labels")


TASK_PARAMETERS: dict[Task, type[Parameters]] = {
    Task.EMBEDDINGS: Parameters,
    Task.TEXT_CLASSIFICATION: ClassificationParameters,
}
TASKS_WITH_PAIRS = frozenset({Task.TEXT_CLASSIFICATION})


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request's checked inputs. `is_list` says whether a list was sent, and so whether one comes back."""

    inputs: tuple[TextInput, ...]
    is_list: bool
    parameters: Parameters


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
    match value:
        case str():
            return TextInput(text=value, param=param)
        case {"text": str(text), **rest} if not rest:
            return TextInput(text=text, param=param)
        case {"text": str(text), "text_pair": str(pair), **rest} if not rest and task in TASKS_WITH_PAIRS:
            return TextInput(text=text, text_pair=pair, param=param)
        case _:
            raise InvalidInput(_explain_input(value, task), param)


def _explain_input(value: object, task: Task) -> str:
    keys = ("text", "text_pair") if task in TASKS_WITH_PAIRS else ("text",)
    wanted = f"{task} takes a string or an object with the strings {' and '.join(keys)}"
    if not isinstance(value, dict):
        return f"an input is {_json_type(value)}; {wanted}"
    if unknown := [key for key in value if key not in keys]:
        return f"an input has the unknown key {quote(unknown[0])}; {wanted}"
    if "text" not in value:
        return f"an input has no key 'text'; {wanted}"
    wrong = next(key for key in keys if not isinstance(value.get(key, ""), str))
    return f"{wrong!r} of an input is {_json_type(value[wrong])}; {wanted}"


def parse_parameters(value: object, task: Task) -> Parameters:
    """`parameters` of a native request, checked for this task; raises InvalidParameter."""
    kind = TASK_PARAMETERS[task]
    if not isinstance(value, dict):
        raise InvalidParameter(f"parameters is {_json_type(value)}; it is an object", "/parameters")
    names = [field.name for field in msgspec.structs.fields(kind)]
    if unknown := [key for key in value if key not in names]:
        raise InvalidParameter(
            f"unknown parameter {quote(unknown[0])}; {task} takes {', '.join(names)}",
            join_pointer("/parameters", unknown[0]),
        )
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise _invalid_parameter(str(error)) from None


def _invalid_parameter(message: str) -> InvalidParameter:
    """msgspec names the place at the end of its message: "Expected `bool`, got `str` - at `$.truncation`"."""
    found = re.search(r"(?:- at `\$\.|^`)(\w+)`", message)
    param = join_pointer("/parameters", found[1]) if found else "/parameters"
    reason = message.split(" - at ", maxsplit=1)[0]
    return InvalidParameter(f"{param[1:].replace('/', '.')}: {reason[: 2 * MAX_QUOTED]}", param)


def quote(text: object) -> str:
    """What a user sent, for an error message: its beginning is enough, and an answer has a largest size."""
    shown = str(text)
    return repr(shown if len(shown) <= MAX_QUOTED else f"{shown[:MAX_QUOTED]}...")


def join_pointer(pointer: str, key: str) -> str:
    """A JSON pointer one key deeper (RFC 6901: ~ is written ~0 and / is written ~1), or as deep for a huge key."""
    if len(key) > MAX_QUOTED:
        return pointer
    return f"{pointer}/{key.replace('~', '~0').replace('/', '~1')}"


def _json_type(value: object) -> str:
    names = {
        type(None): "null",
        bool: "a boolean",
        int: "a number",
        float: "a number",
        str: "a string",
        list: "a list",
    }
    return names.get(type(value), "an object")


def encode_error(error: RequestError) -> dict[str, object]:
    """An error as the contract's object; code is the HTTP status and type the class's name."""
    return {
        "code": error.status,
        "type": type(error).__name__,
        "message": error.message,
        "param": error.param,
    }
