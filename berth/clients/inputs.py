"""What a caller hands to a client, as plain JSON values; what cannot be sent is a UsageError that names its place.

It is the same for every protocol, and said before anything is sent. It does not know what a model's task takes.
"""

import math
from collections.abc import Iterable, Mapping

from ..errors import UsageError
from .messages import Input, JsonObject

MAX_SHOWN = 40  # characters of a value that is refused
EXAMPLE = '{"question": "...", "context": "..."}'


def plain_inputs(inputs: object) -> list[Input]:
    """The inputs of one call, each a text or an object: at least one."""
    if isinstance(inputs, str | bytes | Mapping):
        raise UsageError(
            "`inputs` is a single input: give a list of them, or each of its characters (or keys) would be one"
        )
    if not isinstance(inputs, Iterable):
        raise UsageError(f"`inputs` is {_show(inputs)}: give a list of texts or objects")
    found = [plain_input(source, f"inputs[{index}]") for index, source in enumerate(inputs)]
    if not found:
        raise UsageError("`inputs` is empty: give at least one text or object")
    return found


def plain_input(source: object, place: str = "the input") -> Input:
    """One input: a text, or an object with keys."""
    if isinstance(source, str):
        return _require_unicode(source, place)
    if not isinstance(source, Mapping):
        raise UsageError(f"{place} is {_show(source)}: an input is a text, or an object such as {EXAMPLE}")
    if not source:
        raise UsageError(f"{place} is an object without keys: give those that the task takes, such as {EXAMPLE}")
    return _plain_object(source, place)


def plain_parameters(parameters: object) -> JsonObject | None:
    """What is set for all inputs; None where nothing is."""
    if parameters is None:
        return None
    if not isinstance(parameters, Mapping):
        raise UsageError(f"`parameters` is {_show(parameters)}: give an object such as {{'top_k': 3}}")
    return _plain_object(parameters, "parameters")


def _plain_object(value: Mapping[object, object], place: str) -> JsonObject:
    try:
        return {_key(key, place): _plain(each, f"{place}[{key!r}]") for key, each in value.items()}
    except RecursionError as error:
        raise UsageError(f"{place} is nested too deeply to be written as JSON") from error


def _plain(value: object, place: str) -> object:
    """A value as json takes it: dicts for mappings, lists for tuples."""
    if isinstance(value, str):
        return _require_unicode(value, place)
    if isinstance(value, Mapping):
        return {_key(key, place): _plain(each, f"{place}[{key!r}]") for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each, f"{place}[{index}]") for index, each in enumerate(value)]
    if value is None or isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    raise UsageError(f"{place} is {_show(value)}, which cannot be written as JSON")


def _key(key: object, place: str) -> str:
    if not isinstance(key, str):
        raise UsageError(f"{place} has the key {key!r}, which is not a string: JSON's keys are")
    return _require_unicode(key, f"a key of {place}")


def _require_unicode(text: str, place: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise UsageError(
            f"{place} is not Unicode: its character {error.start} is {text[error.start]!r}, half of a surrogate pair; "
            "decode the text anew from its bytes"
        ) from error
    return text


def _show(value: object) -> str:
    """Name a value that is refused: None, or its type and how it begins."""
    return "None" if value is None else f"{type(value).__name__} {value!r:.{MAX_SHOWN}}"
