"""load_pipeline: an engine that cannot load a model is passed over, and settings of training scripts change nothing."""

import json
import shutil
from pathlib import Path

import pytest

from handler.choose_engine import load_pipeline
from handler.config import HandlerConfig, Task
from handler.engine.model import MODELS, Engine
from handler.errors import ConfigError, SelfTestError
from tests.conftest import MakeCheckpoint
from tests.support.equality.cells import ENVIRONMENT, known_answers, prove_pipeline

TASK = Task.TEXT_CLASSIFICATION


def refusing(error: Exception):
    """An engine that raises where it would load the model."""

    def raises(*_: object) -> None:
        raise error

    return raises


@pytest.mark.parametrize(
    "settings", [{"output_attentions": True, "output_hidden_states": True}, {"return_dict": False}]
)
def test_what_config_json_wants_returned_changes_nothing(checkpoint: MakeCheckpoint, tmp_path: Path, settings):
    folder = Path(shutil.copytree(checkpoint("bert", TASK), tmp_path / "model"))
    config = json.loads((folder / "config.json").read_text("utf-8"))
    (folder / "config.json").write_text(json.dumps(config | settings), "utf-8")
    assert known_answers(folder, TASK).answers == known_answers(checkpoint("bert", TASK), TASK).answers
    assert prove_pipeline(folder, TASK).engine is Engine.PACKED


def test_an_engine_that_cannot_load_the_model_is_passed_over_and_said(
    checkpoint: MakeCheckpoint, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setitem(MODELS, Engine.PACKED, refusing(ValueError("no attention\nof yours")))
    assert prove_pipeline(checkpoint("bert", TASK), TASK).engine is Engine.PADDED
    assert "engine=packed: not used: it cannot be loaded: ValueError: no attention of yours" in caplog.text


def test_every_reason_is_said_where_no_engine_is_right(checkpoint: MakeCheckpoint, monkeypatch: pytest.MonkeyPatch):
    """The known answers are another model's, and one engine does not even load this one."""
    known = known_answers(checkpoint("roberta", TASK), TASK)
    monkeypatch.setitem(MODELS, Engine.PACKED, refusing(ValueError("no attention of yours")))
    config = HandlerConfig(task=TASK, max_tokens=512)
    with pytest.raises(SelfTestError, match=r"packed: it cannot be loaded: .*; padded: the difference is \d"):
        load_pipeline(checkpoint("bert", TASK), config, ENVIRONMENT, None, known)


@pytest.mark.parametrize("error", [ConfigError("no such setting"), MemoryError("none left")])
def test_what_no_other_engine_would_mend_ends_the_load(
    checkpoint: MakeCheckpoint, monkeypatch: pytest.MonkeyPatch, error: Exception
):
    monkeypatch.setitem(MODELS, Engine.PACKED, refusing(error))
    with pytest.raises(type(error), match=str(error)):
        prove_pipeline(checkpoint("bert", TASK), TASK)
