"""The stages of a batch: each is timed, and what is called ours is their sum without the tokenising alone."""

import json
from pathlib import Path

import pytest

from bench.request.__main__ import to_table
from bench.request.ready import make_checkpoint, ready_pipeline
from bench.request.stages import ALONE, BEYOND, STAGES, Batch, Case
from handler.config import Task


@pytest.mark.parametrize(
    ("task", "num_inputs", "num_texts"),
    [(Task.TEXT_RANKING, 3, 2 * 3 * 16), (Task.TOKEN_CLASSIFICATION, 1, 2), (Task.ZERO_SHOT_CLASSIFICATION, 2, 16)],
)
def test_every_stage_is_timed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, task: Task, num_inputs: int, num_texts: int
) -> None:
    monkeypatch.setattr("bench.request.stages.SAMPLE_TEXTS", 1)
    folder = make_checkpoint(tmp_path, task)
    with ready_pipeline(folder, task) as pipeline:
        batch = Batch(Case(task=task, num_requests=2, num_inputs=num_inputs), folder, pipeline)
    assert batch.num_texts == num_texts
    us = batch.measure()
    assert list(us) == list(STAGES)
    assert min(us[stage] for stage in STAGES if stage != BEYOND) > 0
    ours = sum(us[stage] for stage in STAGES if stage not in (ALONE, BEYOND))
    assert us[BEYOND] == pytest.approx(ours - us[ALONE])


def test_a_lone_text_is_no_list() -> None:
    lone, listed = (Case(task=Task.EMBEDDINGS, num_requests=1, num_inputs=count).bodies(["word"]) for count in (1, 2))
    assert isinstance(json.loads(lone[0])["inputs"], str)
    assert len(json.loads(listed[0])["inputs"]) == 2


def test_the_table_has_medians() -> None:
    rows = to_table({"a case": {ALONE: [1.0, 9.0, 2.0], BEYOND: [3.0]}}).splitlines()
    assert rows[-1] == "| a case | 2.0 | 3.0 |"
