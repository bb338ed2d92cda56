"""`berth audit`: the archive's tokenizer counts what transformers counts; rows refused, words unknown, texts equal."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from transformers import AutoConfig, AutoTokenizer
from typer.testing import CliRunner

from berth.bulk.audit.counts import Counts
from berth.bulk.messages import Audited
from berth.cli.app import app
from berth.cli.bulk.audit import render_audit
from handler.config import Task
from tests.conftest import MakeCheckpoint
from tests.support.texts import mixed_texts

TEXTS = [*mixed_texts(60, seed=3), "the same", "the same"]


def audit(*words: str) -> Any:
    done = CliRunner().invoke(app, ["audit", *words], catch_exceptions=False)
    return json.loads(done.stdout)


def test_it_counts_what_transformers_counts(embeddings: Path, checkpoint: MakeCheckpoint, tmp_path: Path) -> None:
    folder = checkpoint("bert", Task.EMBEDDINGS)
    tokenizer: Any = AutoTokenizer.from_pretrained(folder)
    most = AutoConfig.from_pretrained(folder).max_position_embeddings
    ids = [tokenizer(text)["input_ids"] for text in TEXTS]
    read = [tokenizer(text, truncation=True, max_length=most)["input_ids"] for text in TEXTS]
    lengths = list(map(len, ids))
    assert max(lengths) > most
    pq.write_table(pa.table({"body": TEXTS}), tmp_path / "a.parquet")
    found = audit(str(tmp_path / "a.parquet"), "--model", str(embeddings), "--column", "text=body")
    assert list(found["files"]) == [str(tmp_path / "a.parquet")]
    whole, num_read = sum(lengths), sum(map(len, read))
    unknown = sum(each.count(tokenizer.unk_token_id) for each in read)
    assert unknown > 0
    assert found["all"] == {
        "rows": len(TEXTS),
        "tokens": whole,
        "tokens_per_row": {
            "mean": round(whole / len(TEXTS), 2),
            **{f"p{at}": np.percentile(lengths, at, method="inverted_cdf") for at in (50, 95, 99)},
            "max": max(lengths),
        },
        "cut_rows": sum(length > most for length in lengths),
        "never_read_share": round((whole - num_read) / whole, 6),
        "refused_rows": {},
        "unknown_share": round(unknown / num_read, 6),
        "equal_rows": len(TEXTS) - len(set(TEXTS)),
    }


def test_rows_that_would_be_refused_are_counted_by_file(archive_of: Callable[[Task], Path], tmp_path: Path) -> None:
    rows = [
        '{"text": "one", "text_pair": "two"}',
        '"one"',
        "no JSON",
        '{"text": 7}',
        '{"text": "' + "long " * 900 + '"}',
    ]
    (tmp_path / "a.jsonl").write_text("\n".join(rows))
    (tmp_path / "b.jsonl").write_text('"one"\n')
    archive = str(archive_of(Task.TEXT_CLASSIFICATION))
    found = audit(str(tmp_path), "--model", archive, "--parameters", '{"truncation": false}')
    first, second = found["files"].values()
    assert first["refused_rows"] == {"InputTooLong": 1, "InvalidInput": 1, "NotParseable": 1}
    assert (second["refused_rows"], second["cut_rows"], second["equal_rows"]) == ({}, 0, 0)
    assert (found["all"]["rows"], found["all"]["equal_rows"]) == (6, 1), "that of the other file counts in all"


def test_the_table_has_a_row_for_each_file_and_one_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    counts = Counts()
    digests = b"a" * 8 + b"a" * 8 + b"b" * 8
    claim = Audited(number=0, rows=3, lengths={4: 2, 1000: 1}, read=520, cut=1, unknown=5, errors={}, digests=digests)
    counts.take(claim)
    shown = render_audit({"/x/a.txt": counts, "/x/y/a.txt": Counts()}, counts, as_json=False)
    rows = [line.split("│")[1:-1] for line in shown.splitlines() if "│" in line]
    assert [row[0].strip() for row in rows] == ["a.txt", "y/a.txt", "all"]
    assert [cell.strip() for cell in rows[2][1:]] == [
        *("3", "1,008", "336.0", "4", "1,000", "1,000", "1,000", "1"),
        *("48.41%", "0", "0.96%", "1"),
    ]
