"""Archives that released berths packed are kept here: this one still verifies, budgets and serves them.

Each is a tiny classifier with random weights, named after the berth that packed it; docs/decisions/archive.md has how.
"""

import hashlib
from pathlib import Path

import pytest
import requests

from berth.archive.verify import verify_archive
from berth.memory.model_size import ModelSize
from handler.config import Task
from tests.support.servers import running_server

KEPT = {
    "berth-0.1.0.mar": "a16c6c4bd45494960dfb45f8f8f8ad9a3fc74d0b9c57a7208a4119b390698ad1",
}
FOLDER = Path(__file__).with_name("kept")


def test_every_kept_archive_is_listed() -> None:
    assert {path.name for path in FOLDER.glob("*.mar")} == set(KEPT)


@pytest.mark.parametrize("name", KEPT)
def test_it_verifies_and_budgets(name: str) -> None:
    archive = FOLDER / name
    assert hashlib.sha256(archive.read_bytes()).hexdigest() == KEPT[name]
    assert "handler/bert_handler.py" in verify_archive(archive).digests
    size = ModelSize.read(archive)
    assert (size.name, size.config and size.config.task, size.num_labels) == ("kept", Task.TEXT_CLASSIFICATION, 2)
    assert 0 < size.num_weights < 10_000


@pytest.mark.server
@pytest.mark.parametrize("name", KEPT)
def test_it_serves(name: str) -> None:
    with running_server([FOLDER / name]) as server:
        url = f"{server.inference_url}/predictions/kept"
        answer = requests.post(url, json={"inputs": "hello world", "parameters": {"top_k": None}}, timeout=60).json()
        assert sorted(item["label"] for item in answer) == ["no", "yes"]
        assert sum(item["score"] for item in answer) == pytest.approx(1)
        assert requests.get(url, timeout=60).json()["status"] == "ok"
