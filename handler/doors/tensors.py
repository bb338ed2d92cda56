"""Tensors of strings to a task's inputs: one input a row, one tensor a key. Pure."""

import base64
import binascii
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from ..config import Task
from ..errors import InvalidInput, NotParseable
from ..inputs import INPUT_KEYS, TASK_OBJECTS, InputObject, describe_input
from ..payload import TextInput, check_count, to_text_input
from ..wire import convert, quote

DATATYPES = ("BYTES", "STRING")
OPTIONAL = "text_pair"
LISTS = "texts"


class TensorParameters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What clients say of a tensor."""

    content_type: str | None = None
    """MLServer's; ignored, for BYTES are UTF-8."""


class Tensor(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An input tensor."""

    name: str
    shape: Annotated[list[Annotated[int, Meta(ge=0)]], Meta(min_length=1, max_length=2)]
    """[n], or [n, k] for `texts`: k of them for each query."""
    datatype: Annotated[str, Meta(description="BYTES")]
    parameters: TensorParameters = TensorParameters()
    data: list[Any] = []
    """Strings, flat or nested as the shape is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A tensor's strings, and where it stands among a request's inputs."""

    index: int
    rows: int
    strings: list[str]

    def row(self, index: int) -> list[str]:
        """The strings of one row."""
        width = len(self.strings) // self.rows
        return self.strings[index * width : (index + 1) * width]


def read_column(tensor: Tensor, index: int, *, is_base64: bool) -> Column:
    """A tensor's strings; InvalidInput when they are none, or not as many as its shape says."""
    place = f"/inputs/{index}"
    if tensor.datatype not in DATATYPES:
        raise InvalidInput(
            f"the tensor {quote(tensor.name)} has the datatype {quote(tensor.datatype)}: send texts as BYTES",
            f"{place}/datatype",
        )
    items = tensor.data
    if len(tensor.shape) > 1 and items and all(isinstance(item, list) for item in items):
        items = [string for item in items for string in item]
    if len(items) != math.prod(tensor.shape):
        no_raw = "; raw_input_contents are not read here, send bytes_contents" if is_base64 and not items else ""
        raise InvalidInput(
            f"data: the tensor {quote(tensor.name)} has {len(items)} elements and the shape {tensor.shape}{no_raw}",
            f"{place}/data",
        )
    strings = [_read_string(item, f"{place}/data/{at}", is_base64=is_base64) for at, item in enumerate(items)]
    return Column(index=index, rows=tensor.shape[0], strings=strings)


def _read_string(item: object, place: str, *, is_base64: bool) -> str:
    if not isinstance(item, str):
        raise InvalidInput(f"{place[1:].replace('/', '.')} is no string: send texts", place)
    if not is_base64:
        return item
    try:
        return base64.b64decode(item, validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise NotParseable(f"{place[1:].replace('/', '.')} is not UTF-8: {error}", place) from None


def read_inputs(columns: Mapping[str, Column], task: Task) -> tuple[TextInput, ...]:
    """The rows of the task's tensors as its inputs; InvalidInput says which tensor does not fit."""
    keys = INPUT_KEYS[task]
    names = " and ".join(keys)
    for name, column in columns.items():
        if name not in keys:
            raise InvalidInput(
                f"unknown input {quote(name)}; {task} takes the tensors {names}", f"/inputs/{column.index}/name"
            )
    if missing := [key for key in keys if key not in columns and key != OPTIONAL]:
        raise InvalidInput(f"inputs has no tensor {missing[0]!r}; {task} takes the tensors {names}", "/inputs")
    first = columns[keys[0]]
    if not first.rows:
        raise InvalidInput(f"the tensor {keys[0]!r} has no rows: send at least one", f"/inputs/{first.index}/shape")
    check_count(range(first.rows), f"/inputs/{first.index}/data")
    for key, column in columns.items():
        _check_shape(key, column, first.rows)
    values = _convert([_row(columns, index) for index in range(first.rows)], task, columns)
    return tuple(to_text_input(value, f"/inputs/{first.index}/data/{row}") for row, value in enumerate(values))


def _check_shape(key: str, column: Column, num_rows: int) -> None:
    is_right = len(column.strings) >= num_rows if key == LISTS else len(column.strings) == num_rows
    if column.rows != num_rows or not is_right:
        wanted = "[n, k], k texts for each query" if key == LISTS else "[n] or [n, 1]"
        raise InvalidInput(
            f"shape: {key!r} has {len(column.strings)} strings in {column.rows} rows for {num_rows} inputs; "
            f"its shape is {wanted}",
            f"/inputs/{column.index}/shape",
        )


def _row(columns: Mapping[str, Column], index: int) -> dict[str, Any]:
    rows = {key: column.row(index) for key, column in columns.items()}
    return {key: row if key == LISTS else row[0] for key, row in rows.items()}


def _convert(rows: list[dict[str, Any]], task: Task, columns: Mapping[str, Column]) -> list[InputObject]:
    """The rows, checked like any input of the task; an error names the element."""
    values: list[InputObject] = []
    for row, value in enumerate(rows):
        try:
            values.append(convert(value, TASK_OBJECTS[task], {"": describe_input(task)}))
        except InvalidInput as error:
            key = (error.param or "")[1:]
            raise InvalidInput(error.message, f"/inputs/{columns[key].index}/data/{row}") from None
    return values
