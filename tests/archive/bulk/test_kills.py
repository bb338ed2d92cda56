"""Killed with SIGKILL at any moment and started again: what is there in the end is what an undisturbed run writes."""

import gzip
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.support.bulk import Command, digests, read_rows, waits_before
from tests.support.texts import mixed_texts

TEXTS = [f"{number} {text}" for number, text in enumerate(mixed_texts(240, seed=9))]
PART_ROWS = 20
OPTIONS = ("--part-rows", str(PART_ROWS), "--json")


def _lines(path: Path) -> None:
    path.write_text("\n".join(TEXTS))


def _csv(path: Path) -> None:
    path.write_bytes(gzip.compress(("id,text\n" + "".join(f'{len(text)},"{text}\n"\n' for text in TEXTS)).encode()))


def _parquet(path: Path) -> None:
    pq.write_table(pa.table({"id": range(len(TEXTS)), "text": TEXTS}), path, row_group_size=90)


MAKE: dict[str, Callable[[Path], None]] = {"a.txt": _lines, "a.csv.gz": _csv, "a.parquet": _parquet}


@pytest.mark.parametrize("name", MAKE)
def test_what_was_killed_ends_as_what_was_not(embeddings: Path, tmp_path: Path, name: str) -> None:
    MAKE[name](tmp_path / name)
    whole = Command(archive=embeddings, inputs=tmp_path / name, output=tmp_path / "whole", options=OPTIONS)
    killed = Command(archive=embeddings, inputs=tmp_path / name, output=tmp_path / "killed", options=OPTIONS)
    done = whole.run()
    assert done.returncode == 0, done.stderr
    endless = replace(killed, prelude=waits_before(len(TEXTS) // PART_ROWS - 1, tmp_path / "never"))
    kills = [endless.kill_at(parts, after_s) for parts, after_s in ((0, 0.5), (1, 0.0), (4, 0.02))]
    assert all(kills), "it was not killed in the middle"
    (tmp_path / "killed" / "part-000000.parquet").write_bytes(b"somebody wrote here")
    done = killed.run()
    assert done.returncode == 0, done.stderr
    assert '"kept_rows": 0' not in done.stdout
    files, expected = digests(tmp_path / "killed"), digests(tmp_path / "whole")
    assert files.keys() == expected.keys()
    assert all(files[name] == expected[name] for name in files if name.startswith("part-"))
    assert [row["row"] for row in read_rows(tmp_path / "killed")] == list(range(len(TEXTS)))
