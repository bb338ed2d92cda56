"""What is carried from the input to the output: every field is there, under a name of its own, as it stood."""

import csv
import io
import itertools
import json
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from berth.bulk.job import Output
from berth.bulk.messages import RowError, Work
from berth.bulk.worker.parts import Answers, encode_part, encode_rejects
from berth.bulk.worker.results import ResultColumn
from berth.bulk.worker.rows import Rows, read_rows
from berth.names import beside

BIG = 12345678901234567890123
Folders = Mapping[str, str]
NONE: Folders = {}
WHY = {"code": 422, "type": "InvalidInput", "message": "why"}
OURS = {"row": 7, "result": None, "tokens": None, "truncated": None, "error": WHY}
COLUMN = ResultColumn("text-classification", {"label": "a", "score": 1.0}, {}, float16=False)
FIELDS = {"others": "[not", "row": "1", "input_row": "2", "result": "3", "lang": "4", "input_error": "5"}
CARRIED = {
    "others": "[not",
    "input_row": "1",
    "input_input_row": "2",
    "input_result": "3",
    "input_lang": "4",
    "input_input_error": "5",
}


def work(form: str, payload: bytes, names: Sequence[str] = (), column: str = "text", folders: Folders = NONE) -> Work:
    """One row, whose text is in the column."""
    return Work(
        number=0,
        form=form,
        names=list(names),
        columns={"text": column},
        partitions=dict(folders),
        payload=payload,
        rows=1,
        first_row=7,
        file=None,
    )


def of_form(form: str, fields: Mapping[str, str], folders: Folders) -> Work:
    """The row of these fields in a file of that form."""
    if form == "jsonl":
        return work(form, json.dumps(fields).encode(), folders=folders)
    if form == "csv":
        return work(form, ",".join(fields.values()).encode(), list(fields), folders=folders)
    sink = io.BytesIO()
    table = pa.table({name: [value] for name, value in fields.items()})
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return work(form, sink.getvalue(), folders=folders)


def refused() -> Answers:
    """The row has an error."""
    error = RowError(code=422, type="InvalidInput", message="why")
    return Answers(first_row=7, results=[None], tokens=[None], truncated=[None], errors=[error])


def written(rows: Rows, to: Output) -> dict[str, Any]:
    """The only row of the part."""
    content = encode_part(to, rows.carried, refused(), COLUMN)
    if to is Output.PARQUET:
        (row,) = pq.read_table(io.BytesIO(content)).to_pylist()
    elif to is Output.CSV:
        names, cells = csv.reader(io.StringIO(content.decode()))
        assert len(set(names)) == len(names)
        row = dict(zip(names, cells, strict=True))
    else:
        row = json.loads(content)
    return dict(row)


@pytest.mark.parametrize("form", ["jsonl", "csv", "parquet"])
def test_no_field_is_lost_to_one_of_ours_or_to_a_folders(form: str) -> None:
    rows = read_rows(of_form(form, {"text": "a", **FIELDS}, {"lang": "de"}))
    assert rows.values == ["a"]
    assert written(rows, Output.JSONL) == {**CARRIED, "lang": "de", **OURS}


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_columns_of_a_table_have_the_same_names(form: str) -> None:
    rows = read_rows(of_form(form, {"text": "a", **FIELDS}, {"lang": "de"}))
    assert written(rows, Output.PARQUET) == {**CARRIED, "lang": "de", **OURS}
    assert list(written(rows, Output.CSV)) == [*CARRIED, "lang", *OURS]


def test_what_a_json_line_has_is_one_column_of_a_table_beside_a_folder_of_its_name() -> None:
    rows = read_rows(work("jsonl", b'{"text": "a", "row": 1.0}', folders={"others": "x", "row": "5"}))
    assert written(rows, Output.PARQUET) == {"input_others": '{"row":1.0}', "others": "x", "input_row": "5", **OURS}


def test_values_of_a_json_line_stand_as_they_stood() -> None:
    others = f'"id":{BIG},"x":1.0,"far":1e999,"a":{{"b": [-0, {-BIG}]}}'
    rows = read_rows(work("jsonl", f'{{"text": "a", {others}}}'.encode()))
    part = encode_part(Output.JSONL, rows.carried, refused(), COLUMN)
    assert part.decode().startswith(f'{{{others},"row":7,')
    assert written(rows, Output.PARQUET)["others"] == f"{{{others}}}"


def test_a_line_whose_other_keys_are_not_utf_8_is_not_carried() -> None:
    rows = read_rows(work("jsonl", b'{"text": "a", "id": "\xe9"}'))
    assert isinstance(rows.values[0], RowError)
    assert written(rows, Output.JSONL) == OURS


@pytest.mark.parametrize("asked", [BIG, [BIG, -BIG], {"text": BIG}, None, "a"])
def test_a_reject_has_what_was_asked_and_all_that_came_with_it(asked: object) -> None:
    line = {"body": asked, "text": "b", "row": 1, "error": "mine", "id": BIG}
    rows = read_rows(work("jsonl", json.dumps(line).encode(), column="body"))
    (reject,) = encode_rejects(rows, refused(), ["text", "text_pair"]).splitlines()
    carried = {"input_text": "b", "input_row": 1, "input_error": "mine", "id": BIG}
    assert json.loads(reject) == {**carried, "text": asked, "row": 7, "error": WHY}
    again = read_rows(work("jsonl", reject))
    assert again.values == [asked if isinstance(asked, str) else {"text": asked}]
    shown = {"input_text": "b", "input_input_row": 1, "input_input_error": "mine", "id": BIG}
    assert written(again, Output.JSONL) == {**shown, "input_row": 7, "input_error": WHY, **OURS}


def test_a_lone_value_of_a_line_is_rejected_by_the_tasks_first_key() -> None:
    (reject,) = encode_rejects(read_rows(work("jsonl", b"%d" % BIG)), refused(), ["text"]).splitlines()
    assert json.loads(reject) == {"text": BIG, "row": 7, "error": WHY}


def test_no_two_names_become_one() -> None:
    names = [f"{'input_' * depth}{root}" for root in ("a", "b", "") for depth in range(4)]
    for taken in itertools.chain.from_iterable(itertools.combinations(names, count) for count in range(4)):
        found = [beside(name, taken) for name in names]
        assert len({*found, *taken}) == len(found) + len(taken)
    assert beside("input_b", ("a",)) == "input_b"
