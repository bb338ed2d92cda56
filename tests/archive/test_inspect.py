"""`berth inspect` and the summary of `berth pack`: the same of a checkpoint, its archive and its unpacked folder."""

import json
import shutil
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

from berth.archive.unpack import unpack_once
from berth.errors import Refused, UsageError
from berth.inspection.inspect import Inspection, inspect
from berth.pack.options import PackOptions
from berth.progress import Silence
from handler.config import Task
from tests.support.checkpoints import make_checkpoint

BERTH = str(Path(sys.executable).with_name("berth"))


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_checkpoint(tmp_path_factory.mktemp("checkpoints") / "tiny", "bert", Task.TEXT_CLASSIFICATION)


@pytest.fixture(scope="module")
def ran(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> subprocess.CompletedProcess[str]:
    command = [BERTH, "pack", str(checkpoint), "--output", str(tmp_path_factory.mktemp("store"))]
    return subprocess.run(command, capture_output=True, text=True, check=True)


@pytest.fixture(scope="module")
def archive(ran: subprocess.CompletedProcess[str]) -> Path:
    return Path(ran.stdout.strip())


def _inspect(address: Path) -> Inspection:
    return inspect(str(address), PackOptions(), Silence())


def test_the_summary_says_what_was_packed(ran, checkpoint, archive):
    rows = dict(line.strip().split("  ", 1) for line in ran.stderr.splitlines()[1:])
    said = {heading: value.strip() for heading, value in rows.items()}
    assert said["source"] == str(checkpoint)
    assert said["task"] == "text-classification (by config.json's architecture)"
    assert said["labels"] == "3: negative, neutral, positive"
    assert said["engine"].startswith("packed: ")
    assert said["next"] == f"berth serve {archive}"
    assert "LOAD REPORT" not in ran.stderr


def test_an_archive_is_what_was_said_of_its_checkpoint(checkpoint, archive, tmp_path):
    inspection = _inspect(archive)
    facts = asdict(inspection.facts)
    assert (facts["name"], facts["version"], facts["architecture"]) == ("tiny", "1.0", "BertForSequenceClassification")
    assert (facts["task"], facts["labels"], facts["max_tokens"]) == (
        "text-classification",
        ("negative", "neutral", "positive"),
        512,
    )
    assert (facts["source"], facts["revision"], facts["vector"]) == (None, None, {})
    assert _inspect(unpack_once(archive, tmp_path)) == inspection
    looked_at = _inspect(checkpoint)
    assert (looked_at.task_reason, looked_at.other_tasks) == ("by config.json's architecture", ())
    from_files = asdict(looked_at.facts)  # without the known answers, which nobody has asked for yet
    assert {**from_files, "content_bytes": facts["content_bytes"]} == facts


def test_labels_are_in_the_order_of_the_outputs(checkpoint, tmp_path):
    folder = Path(shutil.copytree(checkpoint, tmp_path / "tiny"))
    config = json.loads((folder / "config.json").read_text())
    config["id2label"] = dict(reversed(config["id2label"].items()))
    (folder / "config.json").write_text(json.dumps(config))
    assert _inspect(folder).facts.labels == ("negative", "neutral", "positive")


def test_json_has_everything(archive):
    ran = subprocess.run([BERTH, "inspect", str(archive), "--json"], capture_output=True, text=True, check=True)
    found = json.loads(ran.stdout)
    assert found["facts"] == json.loads(json.dumps(asdict(_inspect(archive).facts)))
    assert found["server_bytes"] > found["facts"]["content_bytes"]


def test_a_name_that_no_archive_can_have_is_said_before_packing(checkpoint, tmp_path):
    folder = shutil.copytree(checkpoint, tmp_path / "mein modell")
    with pytest.raises(UsageError, match="give another with --name"):
        _inspect(folder)


@pytest.mark.parametrize("name", ["absent.mar", "broken.mar"])
def test_what_is_not_an_archive_is_refused(tmp_path, name):
    (tmp_path / "broken.mar").write_bytes(b"PK")
    with pytest.raises(Refused, match=name):
        _inspect(tmp_path / name)
