"""What stands in the output: transformers' answers, each row's own, in the order of the input."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from berth.bulk.job import Job, OnError, Output
from berth.bulk.plan import plan_run
from berth.bulk.run import run
from berth.errors import BerthError, Refused, UsageError
from berth.progress import ignore
from handler.config import Task
from tests.conftest import MakeCheckpoint
from tests.support.bulk import Bulk, Command, digests, read_rows
from tests.support.equality.cases import CASES, MASK
from tests.support.equality.compare import largest_difference
from tests.support.equality.expected import EXPECTED
from tests.support.texts import mixed_texts

TOLERANCE = 1e-4
TEXTS = mixed_texts(60, seed=2)
ASKED: dict[Task, dict[str, Any]] = {
    Task.TEXT_CLASSIFICATION: {"top_k": None},
    Task.TOKEN_CLASSIFICATION: {"aggregation_strategy": "simple"},
    Task.FILL_MASK: {"top_k": 3},
    Task.TEXT_RANKING: {},
    Task.ZERO_SHOT_CLASSIFICATION: {"candidate_labels": ["shipping", "the weather"]},
}
"""One set of parameters for a file of each task; embeddings are below, question-answering has stored references."""


def test_vectors_in_order_and_equal_texts_alike(bulk: Bulk, checkpoint: MakeCheckpoint, tmp_path: Path) -> None:
    lines = [text.replace("\n", " ") for text in [*TEXTS, *TEXTS[:20]]]
    (tmp_path / "a.txt").write_text("\n".join([*lines, ""]))
    account = bulk.run(tmp_path / "a.txt", tmp_path / "output", part_rows=25)
    rows = read_rows(tmp_path / "output")
    folder = checkpoint("bert", Task.EMBEDDINGS)
    for line, row in zip(lines, rows, strict=True):
        np.testing.assert_allclose(row["result"], EXPECTED[Task.EMBEDDINGS](folder, (line, {})), atol=TOLERANCE)
    assert account.cut == sum(row["truncated"] for row in rows) > 0
    assert account.tokens == sum(row["tokens"] for row in rows)


@pytest.mark.parametrize("task", ASKED)
def test_every_task_as_transformers(
    archive_of: Callable[[Task], Path], checkpoint: MakeCheckpoint, tmp_path: Path, task: Task
) -> None:
    folder, parameters = checkpoint("bert", task), ASKED[task]
    sources = [source for source, _ in CASES[task]]
    if task is Task.FILL_MASK:
        sources = [source.replace(MASK, "[MASK]") for source in sources]
    lines = [{"text": source} if isinstance(source, str) else source for source in sources]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps({**line, "id": 1}) + "\n" for line in lines))
    job = Job(
        archive=archive_of(task),
        inputs=(str(tmp_path / "a.jsonl"),),
        output=tmp_path / "output",
        parameters=parameters,
        to=Output.JSONL,
    )
    run(job, ignore)
    for source, row in zip(sources, read_rows(tmp_path / "output"), strict=True):
        expected = EXPECTED[task](folder, (source, parameters))
        assert row["error"] is None
        assert row["id"] == 1
        assert largest_difference(row["result"], expected) < TOLERANCE


def test_what_is_done_is_not_done_again_and_what_differs_is_refused(bulk: Bulk, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("\n".join(f"text {number}" for number in range(100)))
    bulk.run(tmp_path / "a.txt", tmp_path / "output", part_rows=30)
    before = digests(tmp_path / "output")
    account = bulk.run(tmp_path / "a.txt", tmp_path / "output", part_rows=30)
    assert (account.rows, account.kept_rows) == (100, 100)
    assert digests(tmp_path / "output") == before
    with pytest.raises(Refused, match="part_rows is 30 there and 31 now"):
        bulk.run(tmp_path / "a.txt", tmp_path / "output", part_rows=31)
    (tmp_path / "a.txt").write_text("other")
    with pytest.raises(Refused, match="inputs 1 bytes"):
        bulk.run(tmp_path / "a.txt", tmp_path / "output", part_rows=30)


def test_a_part_is_made_again_as_it_was(bulk: Bulk, tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / f"{name}.txt").write_text("\n".join(f"text {number}" for number in range(50)))
    given, output = f"{tmp_path}/*.txt", tmp_path / "output"
    bulk.run(given, output, part_rows=20)
    before = digests(output)
    for name in ("part-000001.parquet", "part-000002.parquet", "part-000004.parquet"):
        (output / name).unlink()
    assert bulk.run(given, output, part_rows=20).kept_rows == 20 + 20 + 10
    after = digests(output)
    assert {name: after[name] for name in after if name.startswith("part")} == {
        name: before[name] for name in before if name.startswith("part")
    }


def test_an_error_ends_the_run_where_that_is_wanted(embeddings: Path, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "a"}\n' * 4 + '{"text": 1}\n' + '{"text": "a"}\n' * 4)
    job = Job(
        archive=embeddings,
        inputs=(str(tmp_path / "a.jsonl"),),
        output=tmp_path / "output",
        part_rows=3,
        on_error=OnError.FAIL,
    )
    with pytest.raises(BerthError, match=r"a\.jsonl, row 4: InvalidInput: text: expected string, got integer"):
        run(job, ignore)
    assert [row["row"] for row in read_rows(tmp_path / "output")] == [0, 1, 2]
    assert sorted(path.name for path in (tmp_path / "output").iterdir()) == ["manifest.jsonl", "part-000000.parquet"]


def test_a_plan_counts_and_writes_nothing(embeddings: Path, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "a b"}\n' * 700 + "nothing\n")
    job = Job(archive=embeddings, inputs=(str(tmp_path / "a.jsonl"),), output=tmp_path / "output", part_rows=100)
    plan = plan_run(job)
    assert (plan.rows, plan.parts, plan.sample_errors) == (701, 8, 1)
    assert plan.tokens == pytest.approx(4 * 700, rel=0.01)
    assert not (tmp_path / "output").exists()


def test_a_full_disk_is_told_and_the_run_goes_on_later(embeddings: Path, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("\n".join(f"text {number}" for number in range(60)))
    command = Command(
        archive=embeddings, inputs=tmp_path / "a.txt", output=tmp_path / "output", options=("--part-rows", "20")
    )
    small = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (4000, -1))"  # as a disk that is full
    assert command.run().returncode == 0
    whole = digests(command.output)
    shutil.rmtree(command.output)
    done = replace(command, prelude=small).run()
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)
    assert "cannot be written" in done.stderr
    assert command.run().returncode == 0
    assert digests(command.output) == whole


def test_parameters_that_no_request_may_have_are_refused(embeddings: Path, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("text")
    job = Job(
        archive=embeddings,
        inputs=(str(tmp_path / "a.txt"),),
        output=tmp_path / "output",
        parameters={"dimensions": 65},
    )
    with pytest.raises(UsageError, match="--parameters: dimensions is 65; this model's vectors have 64"):
        run(job, ignore)
