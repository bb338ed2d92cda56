"""A pickled GLiNER model, packed, finds what gliner finds; its archive holds no pickle and says what it is."""

from dataclasses import asdict
from pathlib import Path

import pytest
import yaml

from berth.archive.verify import read_archive
from berth.cli.summary import render_inspection
from berth.inspection.inspect import inspect
from berth.pack.options import PackOptions
from berth.pack.pack import pack_checkpoint
from berth.progress import Silence
from handler.choose_engine import load_pipeline
from handler.config import Device, HandlerConfig
from handler.engine.model import Engine
from handler.known_answers import load_known_answers
from handler.tasks import TASKS
from handler.tasks.zero_shot_token_classification import ZeroShotTokenParameters
from handler.worker.environment import Environment
from tests.support.asking import ask, value_of
from tests.support.checkpoints.gliner import make_gliner
from tests.support.references.gliner_models import MODELS, typed_cases

TOLERANCE = 1e-5


def test_it_finds_the_same_and_says_what_it_is(tmp_path: Path) -> None:
    folder = make_gliner(tmp_path / "types", **MODELS["deberta"])
    packed = pack_checkpoint(folder, PackOptions(output=tmp_path / "store"))
    assert packed.engine == Engine.PACKED
    (tmp_path / "unpacked").mkdir()
    read_archive(packed.archive, tmp_path / "unpacked")
    files = {path.relative_to(tmp_path / "unpacked").as_posix() for path in (tmp_path / "unpacked").rglob("*")}
    assert "checkpoint/gliner/model.safetensors" in files
    assert not [name for name in files if name.endswith((".bin", ".pt"))]
    config = HandlerConfig.from_mapping(
        yaml.safe_load((tmp_path / "unpacked/model-config.yaml").read_text())["handler"]
    )
    known = load_known_answers(tmp_path / "unpacked/known_answers.json", TASKS[config.task])
    environment = Environment(device=Device.CPU, cores=2, max_response_bytes=2**24)
    pipeline = load_pipeline(tmp_path / "unpacked/checkpoint", config, environment, None, known)
    for (text, parameters), expected in typed_cases("deberta"):
        found = value_of(pipeline.answer([ask(text, ZeroShotTokenParameters(**parameters))])[0])
        assert [each | {"score": 0} for each in found] == [each | {"score": 0} for each in expected]
        assert [each["score"] for each in found] == pytest.approx([each["score"] for each in expected], abs=TOLERANCE)
    assert config.spans is not None
    assert pipeline.describe()["spans"] == config.spans.to_mapping()
    inspection = inspect(str(packed.archive), PackOptions(), Silence())
    assert asdict(inspection.facts)["spans"] == pipeline.describe()["spans"]
    said = render_inspection(inspection, as_json=False)
    assert "of types that a request names, of 12 words at most; windows of 384 words" in said
