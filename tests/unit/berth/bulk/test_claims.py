"""Claims: every record once and in order, in every form; from any claim's end on the same claims again."""

import csv
import gzip
import io
import json
from collections.abc import Callable
from itertools import chain
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from berth.bulk.claims import Claim, read_claims, read_names
from berth.bulk.job import Limits
from berth.bulk.messages import Work
from berth.bulk.sources import Source, find_sources
from berth.bulk.text_records import START
from berth.bulk.worker.rows import read_rows
from berth.errors import UsageError
from tests.support.texts import mixed_texts

TEXTS = [f"{number} {text}" for number, text in enumerate(mixed_texts(90, seed=3))]
MARK = "\ufeff"
LIMITS = Limits(rows=7, bytes=1000)


def _lines(texts: list[str]) -> bytes:
    return (MARK + "\r\n".join(texts)).encode()


def _jsonl(texts: list[str]) -> bytes:
    return "\n\n".join(json.dumps({"id": text[:2], "text": text}) for text in texts).encode()


def _table(delimiter: str) -> Callable[[list[str]], bytes]:
    def write(texts: list[str]) -> bytes:
        text = io.StringIO(newline="")
        writer = csv.writer(text, delimiter=delimiter)
        writer.writerow(["id", "text"])
        for each in texts:
            writer.writerow([each[:2], f'"{each}",\n\t2nd line\r\n'])
        return (MARK + text.getvalue()).encode()

    return write


def _parquet(texts: list[str]) -> bytes:
    sink = io.BytesIO()
    table = pa.table({"id": pa.array([text[:2] for text in texts]).dictionary_encode(), "text": texts})
    pq.write_table(table, sink, row_group_size=25)
    return sink.getvalue()


FORMS = {"txt": _lines, "jsonl": _jsonl, "csv": _table(","), "tsv": _table("\t"), "parquet": _parquet}
COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": gzip.compress,
    ".zst": lambda content: pa.compress(content, "zstd", asbytes=True),
}
FILES = [(form, packed) for form in FORMS for packed in COMPRESS if not (form == "parquet" and packed)]


def _make(folder: Path, form: str, packed: str, texts: list[str]) -> Source:
    path = folder / f"texts.{form}{packed}"
    path.write_bytes(COMPRESS[packed](FORMS[form](texts)))
    (source,) = find_sources([str(path)], folder / "output")
    return source


def _texts(source: Source, claim: Claim) -> list[object]:
    """What the engine would be asked, as a worker reads the claim."""
    names = read_names(source)
    columns = {} if source.form == "lines" else {"text": "text"}
    work = Work(
        number=0,
        form=str(source.form),
        names=names,
        columns=columns,
        partitions={"lang": "de"},
        payload=claim.payload,
        rows=claim.rows,
        first_row=0,
        file=None,
    )
    rows = read_rows(work)
    assert rows.carried.table()["lang"].to_pylist() == ["de"] * claim.rows
    return rows.values


@pytest.mark.parametrize(("form", "packed"), FILES)
def test_every_record_once_and_in_order(tmp_path: Path, form: str, packed: str) -> None:
    source = _make(tmp_path, form, packed, TEXTS)
    claims = list(read_claims(source, LIMITS, START))
    found = list(chain.from_iterable(_texts(source, claim) for claim in claims))
    expected = [f'"{each}",\n\t2nd line\r\n' for each in TEXTS] if form in {"csv", "tsv"} else TEXTS
    assert found == expected
    assert {claim.rows for claim in claims} != {7}, "no claim ended by its bytes"
    assert all(claim.rows == claim.end.row - claim.start.row for claim in claims)
    assert claims[-1].share == 1


@pytest.mark.parametrize(("form", "packed"), FILES)
def test_from_any_end_on_the_same_claims(tmp_path: Path, form: str, packed: str) -> None:
    source = _make(tmp_path, form, packed, TEXTS)
    claims = list(read_claims(source, LIMITS, START))
    for number, claim in enumerate(claims):
        rest = list(read_claims(source, LIMITS, claim.end))
        expected = claims[number + 1 :]
        assert [(each.start, each.end) for each in rest] == [(each.start, each.end) for each in expected]
        assert [_texts(source, each) for each in rest] == [_texts(source, each) for each in expected]


def test_a_claim_of_lists_ends_by_their_bytes(tmp_path: Path) -> None:
    lists: list[list[str] | None] = [["a" * 100] * 3, None, [], ["b" * 900, ""], ["c"], ["d" * 5000], ["e"]]
    pq.write_table(pa.table({"texts": lists}), tmp_path / "a.parquet", row_group_size=2)
    (source,) = find_sources([str(tmp_path / "a.parquet")], tmp_path / "output")
    claims = read_claims(source, Limits(rows=100, bytes=1000), START)
    assert [(claim.start.row, claim.end.row) for claim in claims] == [(0, 4), (4, 6), (6, 7)]


@pytest.mark.parametrize(("form", "packed"), [each for each in FILES if each[0] != "parquet"])
def test_a_file_of_nothing(tmp_path: Path, form: str, packed: str) -> None:
    path = tmp_path / f"a.{form}{packed}"
    path.write_bytes(COMPRESS[packed](MARK.encode()))
    (source,) = find_sources([str(path)], tmp_path / "output")
    if form in {"csv", "tsv"}:
        with pytest.raises(UsageError, match="header"):
            read_names(source)
    else:
        assert list(read_claims(source, LIMITS, START)) == []


def test_folders_globs_and_partitions(tmp_path: Path) -> None:
    for name in ("lang=de/b.jsonl", "lang=de/_SUCCESS", "lang=en/a.jsonl", "lang=en/.a.jsonl.crc", "notes.md"):
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}\n")
    found = find_sources([f"{tmp_path}/data", f"{tmp_path}/data/**/a.jsonl"], tmp_path / "output")
    assert [(each.path.name, each.partitions["lang"]) for each in found] == [("b.jsonl", "de"), ("a.jsonl", "en")]


def test_an_output_in_the_input_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("{}\n")
    with pytest.raises(UsageError, match="would become input"):
        find_sources([str(tmp_path)], tmp_path / "output")
