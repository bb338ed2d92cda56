"""Tensors of strings as a task's inputs: one input a row, one tensor a key. Pure."""

import base64
import binascii
import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from ..contract import Contract
from ..errors import InvalidInput, NotParseable
from ..inputs import InputObject, TextInput, check_count, to_text_input
from ..parameters import LARGEST
from ..wire import convert, count, quote

OPTIONAL = "text_pair"
LISTS = "texts"
NO_RAW = "; raw_input_contents are not supported here, send bytes_contents"


class Datatype(StrEnum):
    """Datatypes of strings; the protocol has only the first."""

    BYTES = "BYTES"
    STRING = "STRING"


class TensorParameters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What clients say about a tensor."""

    content_type: str | None = None
    """Ignored, like headers: MLServer sends them, and BYTES are UTF-8."""
    headers: dict[str, Any] | None = None


class Tensor(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An input tensor."""

    name: str
    shape: Annotated[list[Annotated[int, Meta(ge=0, le=LARGEST)]], Meta(min_length=1, max_length=2)]
    """[n], or [n, k] for `texts`: k of them for each query."""
    datatype: Datatype
    parameters: TensorParameters | None = None
    data: list[str | list[str]] = []
    """Flat, or nested as the shape is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A tensor's strings, and where it stands among a request's inputs."""

    index: int
    rows: int
    strings: list[str]
    is_nested: bool

    def row(self, index: int) -> list[str]:
        """The strings of one row."""
        width = len(self.strings) // self.rows
        return self.strings[index * width : (index + 1) * width]

    def place(self, row: int) -> str:
        """JSON pointer of a row's first string."""
        width = len(self.strings) // self.rows
        return f"/inputs/{self.index}/data/{f'{row}/0' if self.is_nested else row * width}"


def example_tensors(contract: Contract) -> str:
    """Return tensors of one row, as JSON, with what an input must have."""
    rest = '"datatype": "BYTES", "data": ["your text"]}'
    tensors = (
        f'{{"name": "{key}", "shape": {[1, 1] if key == LISTS else [1]}, {rest}'
        for key in contract.keys
        if key != OPTIONAL
    )
    return ", ".join(tensors)


def describe_inputs(contract: Contract) -> list[dict[str, object]]:
    """Return the tensors that an input must have, as the protocol's metadata; -1 is any number."""
    keys = [key for key in contract.keys if key != OPTIONAL]
    return [{"name": key, "datatype": "BYTES", "shape": [-1, -1] if key == LISTS else [-1]} for key in keys]


def read_column(tensor: Tensor, index: int, *, is_base64: bool) -> Column:
    """Return a tensor's strings; InvalidInput when they are not what its shape says."""
    rows = [item for item in tensor.data if isinstance(item, list)]
    flat = [item for item in tensor.data if isinstance(item, str)]
    is_nested = bool(rows) and not flat and len(tensor.shape) > 1
    strings = [string for row in rows for string in row] if is_nested else flat
    is_even = not rows or (is_nested and {len(row) for row in rows} == {tensor.shape[1]})
    if not is_even or len(strings) != math.prod(tensor.shape):
        raise InvalidInput(
            f"data: the tensor {quote(tensor.name)} has {count(len(strings), 'string')}, which do not fit the shape "
            f"{tensor.shape}{NO_RAW if is_base64 and not strings else ''}",
            f"/inputs/{index}/data",
        )
    if is_base64:
        strings = [_decode(string, f"/inputs/{index}/data/{at}") for at, string in enumerate(strings)]
    return Column(index=index, rows=tensor.shape[0], strings=strings, is_nested=is_nested)


def _decode(string: str, place: str) -> str:
    try:
        return base64.b64decode(string, validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise NotParseable(f"{place[1:].replace('/', '.')} is not UTF-8: {error}", place) from None


def read_inputs(columns: Mapping[str, Column], contract: Contract) -> tuple[TextInput, ...]:
    """Return the rows of the task's tensors as its inputs; InvalidInput says which tensor does not fit."""
    keys = contract.keys
    names = " and ".join(keys)
    for name, column in columns.items():
        if name not in keys:
            raise InvalidInput(
                f"unknown input {quote(name)}; {contract.task} takes the tensors {names}",
                f"/inputs/{column.index}/name",
            )
    if missing := [key for key in keys if key not in columns and key != OPTIONAL]:
        raise InvalidInput(f"inputs has no tensor {missing[0]!r}; {contract.task} takes the tensors {names}", "/inputs")
    first = columns[keys[0]]
    if not first.strings:
        raise InvalidInput(f"the tensor {keys[0]!r} has no rows: send at least one", f"/inputs/{first.index}/shape")
    for key, column in columns.items():
        check_count(len(column.strings), f"/inputs/{column.index}/data")
        _check_shape(key, column, first.rows)
    values = _convert([_row(columns, index) for index in range(first.rows)], contract, columns)
    return tuple(to_text_input(value, first.place(row)) for row, value in enumerate(values))


def _check_shape(key: str, column: Column, num_rows: int) -> None:
    is_right = len(column.strings) >= num_rows if key == LISTS else len(column.strings) == num_rows
    if column.rows != num_rows or not is_right:
        wanted = "[n, k], k texts for each query" if key == LISTS else "[n] or [n, 1]"
        raise InvalidInput(
            f"shape: {key!r} has {count(len(column.strings), 'string')} in {count(column.rows, 'row')} for "
            f"{count(num_rows, 'input')}; "
            f"its shape is {wanted}",
            f"/inputs/{column.index}/shape",
        )


def _row(columns: Mapping[str, Column], index: int) -> dict[str, Any]:
    rows = {key: column.row(index) for key, column in columns.items()}
    return {key: row if key == LISTS else row[0] for key, row in rows.items()}


def _convert(rows: list[dict[str, Any]], contract: Contract, columns: Mapping[str, Column]) -> list[InputObject]:
    """Check the rows like any input of the task; an error names the element."""
    values: list[InputObject] = []
    for row, value in enumerate(rows):
        try:
            values.append(convert(value, contract.input_object, {"": contract.describe_input()}))
        except InvalidInput as error:
            key = (error.param or "")[1:]
            raise InvalidInput(error.message, columns[key].place(row)) from None
    return values
