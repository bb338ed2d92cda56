"""A part as bytes."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from ..job import Output
from ..messages import RowError
from .carried import OWN, Carried, list_rows
from .results import ResultColumn
from .rows import Rows

ERROR = pa.struct([("code", pa.int32()), ("type", pa.string()), ("message", pa.string())])
COMPRESSION = "zstd"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What the engine said of a claim's rows, each list with one item a row."""

    first_row: int
    results: Sequence[Any]
    """None where there is an error."""
    tokens: Sequence[int | None]
    truncated: Sequence[bool | None]
    errors: Sequence[RowError | None]


def encode_part(to: Output, carried: Carried, answers: Answers, column: ResultColumn) -> bytes:
    """The bytes of a part: the same for the same rows and answers."""
    return _ENCODERS[to](carried, answers, column)


def encode_rejects(rows: Rows, answers: Answers, keys: Sequence[str]) -> bytes:
    """The rows that have an error, as JSON lines that can be read again; `keys` are the task's, a lone text's first."""
    whole = zip(rows.carried.objects((*OWN, *keys)), rows.values, _own(answers), strict=True)
    lines = [
        _dump({**carried, **_asked(value, keys[0]), "row": own["row"], "error": own["error"]})
        for carried, value, own in whole
        if own["error"]
    ]
    return b"".join(line + b"\n" for line in lines)


def _asked(value: object, key: str) -> dict[str, object]:
    """What was asked of a row, by the task's keys; written by msgspec, which writes integers of any size."""
    if isinstance(value, RowError):
        return {}
    asked = value if isinstance(value, dict) else {key: value}
    plain = {name: each.hex() if isinstance(each, bytes) else each for name, each in asked.items()}
    return {name: msgspec.Raw(msgspec.json.encode(each, enc_hook=str)) for name, each in plain.items()}


def _to_parquet(carried: Carried, answers: Answers, column: ResultColumn) -> bytes:
    count = len(answers.results)
    own = {
        "row": pa.array(np.arange(answers.first_row, answers.first_row + count)),
        "result": column.array(answers.results),
        "tokens": pa.array(answers.tokens, pa.int32()),
        "truncated": pa.array(answers.truncated, pa.bool_()),
        "error": pa.array([None if each is None else _plain(each) for each in answers.errors], ERROR),
    }
    table = carried.table()
    whole = pa.table({**dict(zip(table.column_names, table.columns, strict=True)), **own})
    sink = pa.BufferOutputStream()
    pq.write_table(whole, sink, compression=COMPRESSION, use_dictionary=table.column_names)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def _to_jsonl(carried: Carried, answers: Answers, _: ResultColumn) -> bytes:
    whole = zip(carried.objects(), _own(answers), strict=True)
    return b"".join(_dump({**row, **own}) + b"\n" for row, own in whole)


def _to_csv(carried: Carried, answers: Answers, _: ResultColumn) -> bytes:
    """Results, errors and carried values that are no plain ones stand as JSON in their cells."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    table = carried.table()
    writer.writerow([*table.column_names, *OWN])
    for row, own in zip(list_rows(table), _own(answers), strict=True):
        writer.writerow([_to_cell(value) for value in (*row.values(), *own.values())])
    return text.getvalue().encode()


def _own(answers: Answers) -> list[dict[str, Any]]:
    columns = answers.results, answers.tokens, answers.truncated, answers.errors
    return [
        {"row": row, "result": result, "tokens": tokens, "truncated": cut, "error": error and _plain(error)}
        for row, (result, tokens, cut, error) in enumerate(zip(*columns, strict=True), answers.first_row)
    ]


def _plain(error: RowError) -> Mapping[str, object]:
    return {"code": error.code, "type": error.type, "message": error.message}


def _to_cell(value: Any) -> object:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str | int | float) else _dump(value).decode()


def _dump(value: object) -> bytes:
    return orjson.dumps(value, default=_to_json, option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS)


def _to_json(value: Any) -> object:
    """What orjson has no word for: JSON as it stood, a sparse vector, a part of an array, bytes, a decimal."""
    if isinstance(value, msgspec.Raw):
        return orjson.Fragment(bytes(value))
    if hasattr(value, "to_json"):
        return value.to_json()
    if isinstance(value, np.ndarray):
        return np.ascontiguousarray(value)
    return value.hex() if isinstance(value, bytes) else str(value)


_ENCODERS = {Output.PARQUET: _to_parquet, Output.JSONL: _to_jsonl, Output.CSV: _to_csv}
