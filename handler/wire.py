"""What a user sent, as the types that the doors read, and how errors speak of it: quoted, pointed at, named. Pure."""

import re
from collections.abc import Collection, Mapping
from functools import cache
from itertools import islice
from typing import Any

import msgspec
from msgspec import inspect

from .errors import InvalidInput, InvalidParameter

MAX_QUOTED = 100  # characters
MAX_LISTED = 10  # names
# msgspec's names of types, and JSON's.
_NAMES = {"str": "string", "int": "integer", "float": "number", "bool": "boolean"}
_UNKNOWN = "Object contains unknown field `"
MISSING = "is missing"
_MISSING = "Object missing required field `"


def quote(text: object) -> str:
    """Quote what a user sent, for an error message: its beginning is enough, and an answer has a largest size."""
    return repr(_cut(str(text)))


def list_names(names: Collection[str]) -> str:
    """List what a model has, for an error message: the first are enough, and how many more there are."""
    shown = [_cut(name) for name in islice(names, MAX_LISTED)]
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def _cut(text: str) -> str:
    return text if len(text) <= MAX_QUOTED else f"{text[:MAX_QUOTED]}..."


def count(number: int, noun: str) -> str:
    """Write a number with its noun, for an error message."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def join_pointer(pointer: str, key: str) -> str:
    """Return a JSON pointer one key deeper (RFC 6901: ~ is written ~0, / is written ~1), or as deep for a huge key."""
    if len(key) > MAX_QUOTED:
        return pointer
    return f"{pointer}/{key.replace('~', '~0').replace('/', '~1')}"


def convert(
    value: object,
    kind: Any,
    hints: Mapping[str, str],
    *,
    pointer: str = "",
    parameter_fields: Collection[str] = ("parameters",),
) -> Any:
    """Convert a decoded JSON value at `pointer` to `kind`; InvalidInput or InvalidParameter says what is wrong.

    `hints` says what to send, by the top-level field in which the mistake is ("" for the request as a whole). null
    stands for an absent field (drop_nulls).
    """
    strange = [key for key in value if key not in kind.__struct_fields__] if isinstance(value, dict) else []
    if strange:  # here, for msgspec's message of it would end with the user's words
        reason, place = f"unknown key {quote(strange[0])}", join_pointer("", strange[0])
    else:
        try:
            return _convert(value, kind)
        except msgspec.ValidationError as error:
            reason, place = _explain(str(error))
    where = pointer + place
    field = where.split("/")[1] if where else ""
    is_parameter = field in parameter_fields
    if reason.startswith("unknown"):
        reason = reason.replace("key", "parameter", 1) if is_parameter else reason
    else:
        reason = f"{where[1:].replace('/', '.') or 'the body'}{' ' if reason == MISSING else ': '}{reason}"
    is_whole = reason == f"{field} {MISSING}"  # a top-level key: the whole is what is not known
    hint = hints[""] if is_whole else hints.get(field, hints[""])
    raise (InvalidParameter if is_parameter else InvalidInput)(f"{reason}; {hint}", where or None)


def _convert(value: object, kind: Any) -> Any:
    """Convert, without nulls where that fails with them: hardly any request has one, and none pays for those."""
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return msgspec.convert(drop_nulls(value, _inspect(kind)), kind)


_inspect = cache(inspect.type_info)


def drop_nulls(value: object, kind: inspect.Type) -> object:
    """Return the value without each null that says no more than its key's absence would.

    That is one of a field that may be absent, and to which null means nothing else (`top_k` of text-classification is
    the only one to which it does: all labels).
    """
    kinds = [_bare(each) for each in (kind.types if isinstance(kind, inspect.UnionType) else (kind,))]
    if isinstance(value, dict):
        fields = {
            field.encode_name: field for each in kinds if isinstance(each, inspect.StructType) for field in each.fields
        }
        return {
            key: drop_nulls(item, _bare(fields[key].type)) if key in fields else item
            for key, item in value.items()
            if item is not None or key not in fields or not stands_for_absence(fields[key])
        }
    if isinstance(value, list):
        items = [_bare(each.item_type) for each in kinds if isinstance(each, inspect.ListType)]
        if items:  # of many thousands of token ids none is looked at
            return [drop_nulls(item, items[0]) if isinstance(item, dict | list) else item for item in value]
    return value


def stands_for_absence(field: inspect.Field) -> bool:
    """Tell whether null in this field is read as if its key were absent, by drop_nulls or by its own type."""
    kind = _bare(field.type)
    takes_null = any(isinstance(each, inspect.NoneType) for each in getattr(kind, "types", (kind,)))
    return not field.required and (not takes_null or field.default is None)


def _bare(kind: inspect.Type) -> inspect.Type:
    """The type in its description."""
    return kind.type if isinstance(kind, inspect.Metadata) else kind


def _explain(message: str) -> tuple[str, str]:
    """Put msgspec's words in JSON's terms, and the place in them ("... - at `$.inputs[3].text`") as a pointer.

    The words are msgspec's own English; setup.cfg bounds the versions that have them.
    """
    reason, found, path = message.rpartition(" - at `$")
    if not found:
        reason, path = message, "`"
    place = re.sub(r"\.|\[", "/", path[:-1].replace("[...]", "").replace("]", ""))
    if reason.startswith(_UNKNOWN):
        key = reason.removeprefix(_UNKNOWN)[:-1]
        return f"unknown key {quote(key)}", join_pointer(place, key)
    if reason.startswith(_MISSING):
        return MISSING, join_pointer(place, reason.removeprefix(_MISSING)[:-1])
    if about := re.match(r"`(\w+)` ", reason):  # a check of our own, in __post_init__
        return reason[about.end() :], f"{place}/{about[1]}"
    words = re.sub(r"`([\w |]+)`", lambda match: _in_json_terms(match[1]), reason[: 2 * MAX_QUOTED])
    return words[:1].lower() + words[1:], place


def _in_json_terms(types: str) -> str:
    return " or ".join(_NAMES.get(name, name) for name in types.split(" | "))
