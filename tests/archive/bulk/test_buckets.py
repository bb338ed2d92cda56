"""From buckets to buckets: the same parts as on this machine, byte for byte, whatever breaks on the way."""

import gzip
import json
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from berth.errors import Refused
from tests.archive.bulk.test_audit import audit
from tests.support.buckets import Bucket, serving
from tests.support.buckets.proxy import Proxy
from tests.support.bulk import Bulk, Command, digests, read_rows, waits_before
from tests.support.texts import mixed_texts

TEXTS = [f"{number} {text}" for number, text in enumerate(mixed_texts(160, seed=9))]
OFTEN = "from berth.bulk.storage import bucket_folder; bucket_folder.BEAT_S = 0.02"
"""The manifest is written as often as this, so that a kill finds something in it."""
ONE_CORE = ("taskset", "-c", str(min(os.sched_getaffinity(0))))


@pytest.fixture(scope="module", params=["s3", "gs"])
def bucket(request: pytest.FixtureRequest) -> Iterator[Bucket]:
    with serving(request.param) as bucket:
        yield bucket


@pytest.fixture(scope="module")
def s3() -> Iterator[Bucket]:
    with serving("s3") as bucket:
        yield bucket


def _parts(output: Path) -> dict[str, bytes]:
    return {name: content for name, content in digests(output).items() if name.startswith("part-")}


def _make_input(folder: Path) -> None:
    """Parquet in hive folders with what Spark leaves beside it, JSON lines in gzip, and lines."""
    for lang, rows in (("de", TEXTS[:90]), ("en", TEXTS[90:])):
        (folder / "data" / f"lang={lang}").mkdir(parents=True)
        pq.write_table(pa.table({"text": rows}), folder / "data" / f"lang={lang}" / "a.parquet", row_group_size=40)
    (folder / "data" / "_SUCCESS").touch()
    (folder / "logs").mkdir()
    for number in range(3):
        lines = "".join(json.dumps({"text": text, "of": number}) + "\n" for text in TEXTS[number::3])
        (folder / "logs" / f"{number}.jsonl.gz").write_bytes(gzip.compress(lines.encode(), mtime=0))
    (folder / "a.txt").write_text("\n".join(TEXTS))


@pytest.mark.parametrize("given", ["data", "logs/*.jsonl.gz", "a.txt"])
def test_the_same_parts_as_on_this_machine(bulk: Bulk, bucket: Bucket, tmp_path: Path, given: str) -> None:
    _make_input(tmp_path / "in")
    key = f"{given[0]}-in"
    bucket.put(tmp_path / "in", key)
    inputs, output = bucket.address(f"{key}/{given}"), bucket.address(f"{key}-out")
    expected = bulk.run(f"{tmp_path}/in/{given}", tmp_path / "here", part_rows=25)
    account = bulk.run(inputs, output, part_rows=25)
    assert (account.rows, account.tokens) == (expected.rows, expected.tokens) == (len(TEXTS), expected.tokens)
    there = bucket.fetch(f"{key}-out", tmp_path / "there")
    assert _parts(there) == _parts(tmp_path / "here") != {}
    assert sorted(digests(there)) == sorted(digests(tmp_path / "here")), "nothing else lies there"
    names = [line["path"] for line in json.loads(digests(there)["manifest.jsonl"].partition(b"\n")[0])["inputs"]]
    assert all(name.startswith(bucket.name(f"{key}/{given.partition('/')[0]}")) for name in names)


def test_what_is_there_is_kept_and_what_is_altered_is_made_again(bulk: Bulk, bucket: Bucket, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("\n".join(TEXTS))
    output = bucket.address("kept")
    bulk.run(tmp_path / "a.txt", output, part_rows=40)
    whole = _parts(bucket.fetch("kept", tmp_path / "whole"))
    assert bulk.run(tmp_path / "a.txt", output, part_rows=40).kept_rows == len(TEXTS)
    (tmp_path / "harm").mkdir()
    (tmp_path / "harm" / "part-000001.parquet").write_bytes(whole["part-000001.parquet"][:-1] + b"?")
    (tmp_path / "harm" / "part-000002.parquet").write_bytes(whole["part-000002.parquet"])  # again, and the same
    bucket.put(tmp_path / "harm", "kept")
    assert bulk.run(tmp_path / "a.txt", output, part_rows=40).kept_rows == len(TEXTS) - 40
    assert _parts(bucket.fetch("kept", tmp_path / "again")) == whole
    with pytest.raises(Refused, match="kept holds another run: part_rows is 40 there and 41 now"):
        bulk.run(tmp_path / "a.txt", output, part_rows=41)


def test_an_input_that_changed_is_another_run(bulk: Bulk, bucket: Bucket, tmp_path: Path) -> None:
    for text in ("one", "two"):
        (tmp_path / text).mkdir()
        (tmp_path / text / "a.txt").write_text(text)
    bucket.put(tmp_path / "one", "changed")
    bulk.run(bucket.address("changed/a.txt"), tmp_path / "output")
    bucket.put(tmp_path / "two", "changed")
    with pytest.raises(Refused, match=r"inputs 1 (etag|generation) is .* there and"):
        bulk.run(bucket.address("changed/a.txt"), tmp_path / "output")


def test_what_was_killed_ends_as_what_was_not(embeddings: Path, bulk: Bulk, s3: Bucket, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("\n".join(TEXTS))
    bulk.run(tmp_path / "a.txt", tmp_path / "here", part_rows=10)
    command = Command(
        archive=embeddings,
        inputs=tmp_path / "a.txt",
        output=Path("killed"),
        options=("--part-rows", "10", "--json"),
        prelude=OFTEN,
        bucket=s3,
    )
    endless = replace(command, prelude=f"{OFTEN}\n{waits_before(len(TEXTS) // 10 - 1, tmp_path / 'never')}")
    kills = [endless.kill_at(parts, after_s) for parts, after_s in ((1, 0.0), (5, 0.01))]
    assert all(kills), "it was not killed in the middle"
    done = command.run()
    assert done.returncode == 0, done.stderr
    assert '"kept_rows": 0' not in done.stdout
    there = s3.fetch("killed", tmp_path / "there")
    assert _parts(there) == _parts(tmp_path / "here")
    assert [row["row"] for row in read_rows(there)] == list(range(len(TEXTS)))


def test_a_connection_that_breaks_in_an_upload(embeddings: Path, bulk: Bulk, s3: Bucket, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("\n".join(TEXTS))
    bulk.run(tmp_path / "a.txt", tmp_path / "here", part_rows=10)
    with Proxy(s3.port) as proxy:
        command = Command(
            archive=embeddings,
            inputs=tmp_path / "a.txt",
            output=Path("broken"),
            options=("--part-rows", "10"),
            prefix=ONE_CORE,  # one worker, so that the parts before it are there
            prelude=OFTEN,
            bucket=Bucket(scheme="s3", port=proxy.port),
        )
        proxy.break_in(b"PUT /box/broken/part-000003")
        done = command.run()
        assert (done.returncode, "Traceback" in done.stderr) == (1, False)
        assert re.search(r"s3://box/broken/\S+ cannot be reached .*: run the same command again", done.stderr)
        half = _parts(s3.fetch("broken", tmp_path / "half"))
        assert "part-000002.parquet" in half
        assert "part-000003.parquet" not in half
        proxy.mend()
        assert command.run().returncode == 0
    assert _parts(s3.fetch("broken", tmp_path / "there")) == _parts(tmp_path / "here")


def test_an_audit_reads_there_too(embeddings: Path, s3: Bucket, tmp_path: Path) -> None:
    _make_input(tmp_path / "in")
    s3.put(tmp_path / "in", "audited")
    found = audit(s3.address("audited/logs"), "--model", str(embeddings))
    assert list(found["files"]) == [s3.name(f"audited/logs/{number}.jsonl.gz") for number in range(3)]
    assert [each["rows"] for each in found["files"].values()] == [len(TEXTS[number::3]) for number in range(3)]
    assert (found["all"]["rows"], found["all"]["equal_rows"]) == (len(TEXTS), 0)
