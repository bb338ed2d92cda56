"""A claim's records -> what the engine is asked for each row, and the columns that are carried along."""

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import pyarrow as pa

from ..messages import RowError, Work
from ..sources import Form
from ..text_records import read_cells
from .carried import OTHERS, Carried, read_raw

LISTS = frozenset({"texts"})  # keys that a cell of a CSV has as a JSON list
MAX_SHOWN = 100  # characters of a record, in an error


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """One claim's rows."""

    values: list[object]
    """What the engine is asked; a RowError where the record does not get that far."""
    carried: Carried
    """Of as many rows."""


def read_rows(work: Work) -> Rows:
    """Read a claim; every record becomes a row, whatever it is."""
    values, columns = READERS[work.form](work)
    assert len(values) == columns.num_rows == work.rows
    carried = Carried(columns=columns, is_of_lines=work.form == Form.JSONL, folders=work.partitions)
    return Rows(values=values, carried=carried)


Found = tuple[list[object], Any]
"""What is asked for each row, and a pyarrow.Table of the other columns."""


def _read_lines(work: Work) -> Found:
    lines = work.payload.removesuffix(b"\n").split(b"\n")
    values = [_decode(line.removesuffix(b"\r")) for line in lines]
    return values, _empty(len(values))


def _read_parquet(work: Work) -> Found:
    table = pa.ipc.open_stream(work.payload).read_all()
    columns = {key: table[column].to_pylist() for key, column in work.columns.items()}
    carried = table.drop_columns([each for each in work.columns.values() if each in table.column_names])
    carried = carried if carried.num_columns else _empty(work.rows)
    return [_value(dict(zip(columns, cells, strict=True))) for cells in zip(*columns.values(), strict=True)], carried


def _read_csv(work: Work) -> Found:
    """Cells as strings; those that are not UTF-8 are told so, and carried with U+FFFD in their place."""
    text = io.StringIO(work.payload.decode("utf-8", "surrogateescape"), newline="")
    records = [each for each in read_cells(text, Form(work.form)) if each]
    values = [_read_record(fields, work) for fields in records]
    taken = set(work.columns.values())
    names = [(place, name) for place, name in enumerate(work.names) if name not in taken]
    arrays = {name: pa.array([_cell(each, place) for each in records], pa.string()) for place, name in names}
    return values, pa.table(arrays) if arrays else _empty(len(values))


def _read_record(fields: Sequence[str], work: Work) -> object:
    if len(fields) != len(work.names):
        return _unreadable(f"the record has {len(fields)} cells, and the header {len(work.names)}")
    value: dict[str, object] = {}
    for key, column in work.columns.items():
        cell = fields[work.names.index(column)]
        if not cell.isascii() and any("\ud800" <= each <= "\udfff" for each in cell):
            return _unreadable(f"column {column} is not UTF-8")
        value[key] = _read_list(cell) if key in LISTS else cell
    return _value(value)


def _read_list(cell: str) -> object:
    try:
        return msgspec.json.decode(cell)
    except (ValueError, RecursionError):
        return cell  # the engine says what is wanted in its place


def _cell(fields: Sequence[str], place: int) -> str | None:
    if place >= len(fields):
        return None
    return fields[place].encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _read_jsonl(work: Work) -> Found:
    lines = [line for line in work.payload.split(b"\n") if line and not line.isspace()]
    values, others = [], []
    for line in lines:
        value, rest = _read_object(line, work.columns)
        values.append(value)
        others.append(rest)
    return values, pa.table({OTHERS: pa.array(others, pa.string())})


def _read_object(line: bytes, columns: Mapping[str, str]) -> tuple[object, str | None]:
    """A line's input, and its other keys as JSON, their values as they stood; null where there are none."""
    try:
        line.decode()
        if not line.lstrip().startswith(b"{"):  # a string is an input too; the engine says what else is wanted
            return msgspec.json.decode(line), None
        found = read_raw(line)
        value = {key: msgspec.json.decode(found.pop(column)) for key, column in columns.items() if column in found}
    except (ValueError, RecursionError) as error:
        shown = line[:MAX_SHOWN].decode("utf-8", "replace").strip()
        return _unreadable(f"the line is not JSON ({error}): {shown}"), None
    return _value(value), msgspec.json.encode(found).decode() if found else None


def _decode(line: bytes) -> object:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError as error:
        return _unreadable(f"the line is not UTF-8 at byte {error.start + 1}")


def _value(value: dict[str, Any]) -> object:
    """A lone text as a string; an absent pair is left out."""
    if list(value) == ["text"] and isinstance(value["text"], str):
        return value["text"]
    return value


def _unreadable(message: str) -> RowError:
    return RowError(code=400, type="NotParseable", message=message)


def _empty(rows: int) -> Any:
    """A table of so many rows and no columns."""
    return pa.table({"": pa.nulls(rows)}).select([])


READERS: Mapping[str, Callable[[Work], Found]] = {
    "parquet": _read_parquet,
    "jsonl": _read_jsonl,
    "csv": _read_csv,
    "tsv": _read_csv,
    "lines": _read_lines,
}
