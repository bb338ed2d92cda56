"""Files as people have them: a sentence that says what is wrong with one, or an error in the row; nothing is lost."""

import bz2
import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from berth.bulk import text_records
from berth.errors import UsageError
from tests.support.bulk import Bulk, read_rows

Make = Callable[[Path], Path | str]
GOOD = '{"text": "a good one"}\n'
MANY = "".join(f"line {number} of a text\n" for number in range(20_000)).encode()


def _file(name: str, content: bytes | str) -> Make:
    def make(folder: Path) -> Path:
        path = folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return make


def _table(column: Any, name: str = "text", harm: Callable[[bytes], bytes] = bytes) -> Make:
    def make(folder: Path) -> Path:
        path = folder / "a.parquet"
        pq.write_table(pa.table({name: column}), path, compression="snappy", use_dictionary=False)
        path.write_bytes(harm(path.read_bytes()))
        return path

    return make


def _folder(**files: str) -> Make:
    def make(folder: Path) -> Path:
        (folder / "data").mkdir()
        for name, content in files.items():
            (folder / "data" / name.replace("_", ".")).write_text(content)
        return folder / "data"

    return make


def _unreadable(folder: Path) -> Path:
    """A file that nobody may read, not even root: at its beginning a process has no memory."""
    path = folder / "a.txt"
    path.symlink_to("/proc/self/mem")
    return path


TEXTS = [f"text number {number}" for number in range(500)]
REFUSED: dict[str, tuple[Make, str]] = {
    "not there": (lambda folder: folder / "a.txt", "does not exist"),
    "a glob of nothing": (lambda folder: f"{folder}/*.csv", "does not exist"),
    "in a place of another kind": (lambda _: "az://bucket/a.parquet", "gs:// and s3:// are, and files of this"),
    "an empty folder": (_folder(), "holds no file"),
    "no rights": (_unreadable, "check the path and its permissions"),
    "an empty CSV": (_file("a.csv", ""), "begins with a header"),
    "a CSV of another column": (_file("a.csv", "id;text\n1;a\n"), r"no column text, but id;text: .*--column text=NAME"),
    "a header with a name twice": (_file("a.csv", "text,text\na,b\n"), "stands there twice"),
    "a quote that is never closed": (_file("a.csv", 'text\n"a\n' + "b\n" * 20_000), "is a quote open"),
    "one endless line": (_file("a.txt", "word " * 20_000), "is it a file of texts"),
    "UTF-16": (_file("a.csv", "text\na\n".encode("utf-16")), "iconv -f UTF-16"),
    "a spreadsheet": (_file("a.csv", b"PK\x03\x04 and more"), "save it as CSV"),
    "bzip2": (_file("a.jsonl.bz2", bz2.compress(GOOD.encode())), "bzip2"),
    "a half gzip": (_file("a.txt.gz", gzip.compress(MANY)[:-200]), "breaks off"),
    "a damaged gzip": (_file("a.txt.gz", gzip.compress(MANY)[:-8] + bytes(8)), "cannot be read to its end"),
    "a half zstd": (_file("a.txt.zst", pa.compress(MANY, "zstd", asbytes=True)[:-20]), "cannot be read to its end"),
    "an empty Parquet file": (_file("a.parquet", b""), "is not a Parquet file"),
    "a Parquet file of text": (_file("a.parquet", GOOD), "is not a Parquet file"),
    "a broken footer": (_table(TEXTS, harm=lambda content: content[:-20]), "cannot be read as Parquet"),
    "a damaged page": (
        _table(TEXTS, harm=lambda content: content[:60] + b"\xff" * 900 + content[960:]),
        "cannot be read",
    ),
    "Parquet of another column": (_table(TEXTS, "body"), "no column text, but body"),
    "Parquet of numbers": (_table([1, 2]), "the column text has int64"),
    "Parquet of structs": (_table([{"a": "b"}]), "the column text has struct"),
    "Parquet of lists": (_table([["a"], ["b"]]), "the column text has list"),
    "files of different columns": (_folder(a_csv="id,text\n1,a\n", b_csv="text\na\n"), "cannot be one output"),
}
Outcome = str | None
ROWS: dict[str, tuple[Make, list[Outcome]]] = {
    "no lines": (_file("a.txt", ""), []),
    "empty lines": (_file("a.txt", "\n\n"), [None, None]),
    "lines that are not UTF-8": (_file("a.txt", b"good\n\xff\xfa\xe9\n\x00 a NUL\n"), [None, "NotParseable", None]),
    "nulls": (_table(["a", None, "b"]), [None, "InvalidInput", None]),
    "nothing but nulls": (_table(pa.nulls(2)), ["InvalidInput"] * 2),
    "categories": (_table(pa.array(["a", "b", "a"]).dictionary_encode()), [None] * 3),
    "large strings": (_table(pa.array(["a"], pa.large_string())), [None]),
    "mixed types": (
        _file("a.jsonl", f'{GOOD}{{"text": 3}}\n{{"text": true}}\n{{"text": null}}\n{{"text": ["a"]}}\n{GOOD}'),
        [None, *["InvalidInput"] * 4, None],
    ),
    "a nested text": (_file("a.jsonl", f'{{"text": {{"text": "a"}}}}\n{GOOD}'), ["InvalidInput", None]),
    "no text": (_file("a.jsonl", f'{{"id": 1}}\n{GOOD}'), ["InvalidInput", None]),
    "lines that are not JSON": (
        _file("a.jsonl", f'{{"text": \n\n[]\n{"[" * 5000}\n{GOOD}'),
        ["NotParseable", "InvalidInput", "NotParseable", None],
    ),
    "half a surrogate": (_file("a.jsonl", '{"text": "\\ud800"}\n' + GOOD), ["NotParseable", None]),
    "JSON that is not UTF-8": (_file("a.jsonl", b'{"text": "\xe9"}\n' + GOOD.encode()), ["NotParseable", None]),
    "too few cells, and too many": (
        _file("a.csv", "id,text\n1,a\n2\n3,b,c\n\n4,d\n"),
        [None, "NotParseable", "NotParseable", None],
    ),
    "cells that are not UTF-8": (_file("a.csv", b"id,text\n\xe9,a\n2,\xe9\n"), [None, "NotParseable"]),
    "quotes in the middle": (_file("a.csv", 'text,id\n5" pipe,1\n"a ""b""\r\nc",2\n'), [None, None]),
    "10 MB in one cell": (_file("a.csv", f'text\n"{"a" * 10_000_000} b"\nc\n'), [None, None]),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_a_sentence_and_no_row_lost(bulk: Bulk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    make, said = REFUSED[kind]
    monkeypatch.setattr(text_records, "MAX_RECORD_BYTES", 30_000)
    given = make(tmp_path)
    with pytest.raises(UsageError, match=said) as caught:
        bulk.run(given, tmp_path / "output", part_rows=200)
    assert str(given).split("/")[-1].split("*")[0] in str(caught.value)
    rows = [row["row"] for row in read_rows(tmp_path / "output")]
    assert rows == list(range(len(rows)))
    assert (len(rows) > 0) == (kind in {"a half gzip", "a damaged gzip", "a half zstd"})


@pytest.mark.parametrize("kind", ROWS)
def test_every_row_has_an_answer_or_its_error(bulk: Bulk, tmp_path: Path, kind: str) -> None:
    make, expected = ROWS[kind]
    account = bulk.run(make(tmp_path), tmp_path / "output")
    rows = read_rows(tmp_path / "output")
    assert [row["error"] and row["error"]["type"] for row in rows] == expected
    assert all((row["result"] is None) == (row["error"] is not None) for row in rows)
    assert (account.rows, sum(account.errors.values())) == (len(expected), len(expected) - expected.count(None))
