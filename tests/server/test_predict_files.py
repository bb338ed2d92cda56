"""`berth predict --file` against a real server: in order, errors in their place, killed and started again."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from berth.bulk.manifest import NAME
from berth.pack.options import PackOptions
from berth.pack.pack import pack_checkpoint
from tests.support.buckets import ACCESS, serving
from tests.support.bulk import digests, read_rows
from tests.support.servers import Server, running_server

DEADLINE_S = 240.0
TEXTS = [f"{number} is it open on day {number % 7}" for number in range(600)]
BAD = '{"text": 7}'
BAD_AT = 333
NO_RESULT = {"label": None, "score": 0.0}


@pytest.fixture(scope="module")
def server(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    archive = pack_checkpoint(tiny, PackOptions(output=tmp_path_factory.mktemp("store"))).archive
    with running_server([archive]) as started:
        yield started


@pytest.fixture
def lines(tmp_path: Path) -> Path:
    path = tmp_path / "texts.jsonl"
    written = [json.dumps({"text": text, "id": number}) for number, text in enumerate(TEXTS)]
    written[BAD_AT] = BAD
    path.write_text("\n".join(written))
    return path


def started(server: Server, *words: str) -> "subprocess.Popen[str]":
    env = {**os.environ, "BERTH_URL": server.inference_url, "TS_MANAGEMENT_ADDRESS": server.management_url}
    command = [sys.executable, "-m", "berth", "predict", *words]
    return subprocess.Popen(command, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def run(server: Server, *words: str, code: int = 0) -> tuple[str, str]:
    process = started(server, *words)
    out, said = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == code, said
    return out, said


def expected(server: Server) -> list[Any]:
    """What one request at a time is answered."""
    address = f"{server.inference_url}/predictions/tiny"
    found: list[Any] = []
    for start in range(0, len(TEXTS), 50):
        found += requests.post(address, json={"inputs": TEXTS[start : start + 50]}, timeout=60).json()
    return found


def wait_for_head(process: "subprocess.Popen[str]", output: Path) -> None:
    """Wait until it has begun to ask."""
    deadline_s = time.monotonic() + DEADLINE_S
    while process.poll() is None and time.monotonic() < deadline_s:
        if (output / NAME).exists() and (output / NAME).read_bytes().count(b"\n"):
            return
        time.sleep(0.01)


def require_same(found: list[Any], expected: list[Any]) -> None:
    assert [each["label"] for each in found] == [each["label"] for each in expected]
    assert [each["score"] for each in found] == pytest.approx([each["score"] for each in expected], abs=1e-5)


def require_same_rows(found: list[Any], expected: list[Any]) -> None:
    """All of a row but its last digits: the server groups what comes together, and how differs from run to run."""
    require_same(
        [row.pop("result") or NO_RESULT for row in found], [row.pop("result") or NO_RESULT for row in expected]
    )
    assert found == expected


def test_a_bad_line_among_good_ones_has_its_error_in_its_place(server: Server, lines: Path, tmp_path: Path) -> None:
    texts, rejects = tmp_path / "texts.txt", tmp_path / "rejects.jsonl"
    texts.write_bytes("\n".join(TEXTS).encode().replace(f"{BAD_AT} is".encode(), b"\xff"))
    out, said = run(server, "--file", str(texts), "--rejects", str(rejects), code=1)
    found = [json.loads(line) for line in out.splitlines()]
    assert found.pop(BAD_AT)["error"]["type"] == "NotParseable"
    require_same(found, [each for place, each in enumerate(expected(server)) if place != BAD_AT])
    assert f"1 of {len(TEXTS)} inputs refused: {texts}, line {BAD_AT + 1}: " in said
    assert len(rejects.read_text().splitlines()) == 1


def test_killed_and_started_again_it_writes_what_one_run_writes(server: Server, lines: Path, tmp_path: Path) -> None:
    output = tmp_path / "answers"
    words = ("--file", str(lines), "--output", str(output), "--json")
    process = started(server, *words)
    wait_for_head(process, output)
    process.kill()
    process.communicate()
    out, _ = run(server, *words)
    account = json.loads(out)
    assert (account["rows"], account["errors"]) == (len(TEXTS), {"InvalidInput": 1})
    rows = read_rows(output)
    assert [row.pop("row") for row in rows] == list(range(len(TEXTS)))
    bad = rows.pop(BAD_AT)
    assert (bad["error"]["code"], bad["result"]) == (422, None)
    require_same([row["result"] for row in rows], [e for place, e in enumerate(expected(server)) if place != BAD_AT])
    assert [row["id"] for row in rows] == [number for number in range(len(TEXTS)) if number != BAD_AT]
    (rejected,) = (output / "rejects-000000.jsonl").read_text().splitlines()
    assert json.loads(rejected) == {"text": 7, "row": BAD_AT, "error": bad["error"]}
    before = digests(output)
    assert json.loads(run(server, *words)[0])["kept_rows"] == len(TEXTS)
    assert {name: before[name] for name in before if name != NAME} == {
        name: content for name, content in digests(output).items() if name != NAME
    }
    _, said = run(server, *words, "--parameters", '{"top_k": 2}', code=4)
    assert "parameters top_k is none there and 2 now" in said


def test_a_worker_of_the_server_that_dies_in_the_middle_costs_no_row(
    server: Server, lines: Path, tmp_path: Path
) -> None:
    output = tmp_path / "answers"
    process = started(server, "--file", str(lines), "--output", str(output), "--json")
    wait_for_head(process, output)
    os.kill(server.worker_pids("tiny")[0], signal.SIGKILL)
    out, said = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 0, said
    assert json.loads(out)["errors"] == {"InvalidInput": 1}
    assert [row["row"] for row in read_rows(output)] == list(range(len(TEXTS)))


def test_from_bucket_to_bucket_it_writes_what_it_writes_here(
    server: Server, lines: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in ACCESS.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "in").mkdir()
    lines.rename(tmp_path / "in" / lines.name)
    with serving("s3") as bucket:
        bucket.put(tmp_path / "in", "in")
        words = ("--file", bucket.address("in/*.jsonl"), "--output", bucket.address("out"), "--json")
        assert json.loads(run(server, *words)[0])["rows"] == len(TEXTS)
        there = bucket.fetch("out", tmp_path / "there")
    here = tmp_path / "here"
    run(server, "--file", f"{tmp_path}/in/{lines.name}", "--output", str(here), "--json")
    require_same_rows(read_rows(there), read_rows(here))
    assert sorted(digests(there)) == sorted(digests(here))
    assert digests(there)["rejects-000000.jsonl"] == digests(here)["rejects-000000.jsonl"]
    _, said = run(server, "--file", "s3://box/texts.txt", code=2)
    assert "--file s3://box/texts.txt is read with --output FOLDER" in said
