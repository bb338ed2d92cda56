"""A server in the place of an engine: a real HTTP server on this machine, real worker processes, one run killed."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pyarrow.parquet as pq
import pytest

from berth.bulk.job import Job, Output, Server
from berth.bulk.manifest import NAME
from berth.bulk.run import run
from berth.errors import Refused, ServerUnreachable, UsageError
from berth.progress import ignore
from berth.wait import wait_until
from tests.support.bulk import digests, read_rows
from tests.support.http_standin import JsonHandler, answering

ROWS = 120
PART_ROWS = 30
DEADLINE_S = 120.0


class Vectors(JsonHandler):
    """Answers two numbers for each text; it refuses "bad", and keeps the text "wait" waiting until `free`."""

    asked: ClassVar[list[str]] = []
    free: ClassVar[threading.Event] = threading.Event()

    def do_POST(self) -> None:  # noqa: N802 - the base class's name
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        texts = [each["text"] if isinstance(each, dict) else each for each in body["inputs"]]
        self.asked.extend(texts)
        if "wait" in texts:
            self.free.wait(DEADLINE_S)
        if "parameters" in body:
            error = {"code": 422, "type": "InvalidParameter", "message": "no such", "param": "/parameters/x"}
            self.answer(422, error)
        elif "bad" in texts:
            param = f"/inputs/{texts.index('bad')}"
            self.answer(422, {"code": 422, "type": "InvalidInput", "message": "not this", "param": param})
        else:
            self.answer(200, [[float(len(text)), 0.5] for text in texts])


@pytest.fixture
def url() -> Iterator[str]:
    Vectors.asked.clear()
    Vectors.free.set()
    with answering(Vectors) as address:
        yield address


def job(url: str, folder: Path, **more: object) -> Job:
    server = Server(url=url, model="m", version="1.0", facts={"task": "embeddings"})
    settings: dict[str, Any] = {"to": Output.JSONL, "part_rows": PART_ROWS, "allow_other_machine": True, **more}
    return Job(archive=server, inputs=(str(folder / "in.jsonl"),), output=folder / "out", **settings)


def write(folder: Path, **instead: str) -> list[str]:
    texts = ["x" * (number % 7) for number in range(ROWS)]
    for place, text in instead.items():
        texts[int(place.removeprefix("at"))] = text
    rows = [json.dumps({"text": text, "id": number}) for number, text in enumerate(texts)]
    (folder / "in.jsonl").write_text("\n".join(rows))
    return texts


def test_rows_are_answered_in_order_and_rejects_can_be_read_again(url: str, tmp_path: Path) -> None:
    texts = write(tmp_path, at40="bad")
    account = run(job(url, tmp_path), ignore)
    assert (account.rows, account.parts, dict(account.errors)) == (ROWS, 4, {"InvalidInput": 1})
    rows = read_rows(tmp_path / "out")
    assert [row["result"] for row in rows] == [None if each == "bad" else [float(len(each)), 0.5] for each in texts]
    assert [row["id"] for row in rows] == list(range(ROWS))
    assert not [path.name for path in (tmp_path / "out").glob(".draft*")]
    (rejects,) = (tmp_path / "out").glob("rejects-*")
    error = {"code": 422, "type": "InvalidInput", "message": "not this"}
    assert rejects.name == "rejects-000001.jsonl"
    assert json.loads(rejects.read_text()) == {"text": "bad", "id": 40, "row": 40, "error": error}


def test_vectors_are_fixed_size_lists_in_parquet(url: str, tmp_path: Path) -> None:
    write(tmp_path)
    run(job(url, tmp_path, to=Output.PARQUET), ignore)
    table = pq.read_table(tmp_path / "out" / "part-000000.parquet")
    assert str(table.schema.field("result").type) == "fixed_size_list<element: float>[2]"
    assert table["tokens"].null_count == PART_ROWS, "only the server knows"


def test_killed_it_goes_on_and_asks_nothing_again_that_is_written(url: str, tmp_path: Path) -> None:
    texts = write(tmp_path, at100="wait")
    Vectors.free.clear()
    program = (
        "import sys; from pathlib import Path; from berth.progress import ignore; from berth.bulk.run import run; "
        "from tests.unit.berth.bulk.test_remote import job; run(job(sys.argv[1], Path(sys.argv[2])), ignore)"
    )
    process = subprocess.Popen([sys.executable, "-c", program, url, str(tmp_path)])
    manifest = tmp_path / "out" / NAME

    def is_in_the_last_part() -> bool:
        """The head and three parts are written, and the fourth is asked for."""
        return "wait" in Vectors.asked and manifest.exists() and manifest.read_bytes().count(b"\n") == 4

    assert wait_until(lambda: is_in_the_last_part() or process.poll() is not None, DEADLINE_S)
    assert process.poll() is None
    process.kill()
    process.wait()
    Vectors.free.set()
    Vectors.asked.clear()
    account = run(job(url, tmp_path), ignore)
    assert (account.rows, account.kept_rows) == (ROWS, 3 * PART_ROWS)
    assert sorted(Vectors.asked) == sorted([*texts[3 * PART_ROWS :], "a", "a"]), "and each worker's first question"
    assert [row["row"] for row in read_rows(tmp_path / "out")] == list(range(ROWS))
    before = digests(tmp_path / "out")
    run(job(url, tmp_path), ignore)
    assert digests(tmp_path / "out") == before


def test_another_models_answers_are_not_mixed_in(url: str, tmp_path: Path) -> None:
    write(tmp_path)
    run(job(url, tmp_path), ignore)
    other = Server(url=url, model="other", version="1.0", facts={"task": "embeddings"})
    with pytest.raises(Refused, match="server's model is m there and other now"):
        run(replace(job(url, tmp_path), archive=other), ignore)


def test_wrong_parameters_and_a_server_that_is_not_there_are_said_before_anything_is_written(
    url: str, tmp_path: Path
) -> None:
    write(tmp_path)
    with pytest.raises(UsageError, match="--parameters: no such"):
        run(job(url, tmp_path, parameters={"x": 12345678901234567890123}), ignore)
    with pytest.raises(ServerUnreachable):
        run(job("http://127.0.0.1:9", tmp_path), ignore)
    assert not list((tmp_path / "out").glob("part-*"))
