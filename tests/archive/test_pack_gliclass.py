"""A pickled GLiClass model, packed, scores as gliclass does; its archive holds no pickle and says what it is."""

from dataclasses import asdict
from pathlib import Path

import pytest
import yaml

from berth.archive.members import open_archive
from berth.archive.verify import read_archive
from berth.cli.summary import render_inspection
from berth.inspection.inspect import inspect
from berth.memory.model_size import ModelSize
from berth.pack.options import PackOptions
from berth.pack.pack import pack_checkpoint
from berth.progress import Silence
from handler.choose_engine import load_pipeline
from handler.config import Device, HandlerConfig
from handler.engine.model import Engine
from handler.known_answers import load_known_answers
from handler.tasks import TASKS
from handler.tasks.zero_shot_classification import ZeroShotParameters
from handler.worker.environment import Environment
from tests.support.asking import ask, value_of
from tests.support.checkpoints.gliclass import make_gliclass
from tests.support.references.gliclass_models import CASES, MODELS, expected_answers

TOLERANCE = 1e-5


def test_it_scores_the_same_and_says_what_it_is(tmp_path: Path) -> None:
    folder = make_gliclass(tmp_path / "labels", **MODELS["deberta"])
    packed = pack_checkpoint(folder, PackOptions(output=tmp_path / "store"))
    assert packed.engine == Engine.PACKED
    unpacked = tmp_path / "unpacked"
    unpacked.mkdir()
    read_archive(packed.archive, unpacked)
    assert not [path for path in unpacked.rglob("*") if path.suffix in (".bin", ".pt")]
    config = HandlerConfig.from_mapping(yaml.safe_load((unpacked / "model-config.yaml").read_text())["handler"])
    known = load_known_answers(unpacked / "known_answers.json", TASKS[config.task])
    environment = Environment(device=Device.CPU, cores=2, max_response_bytes=2**24)
    pipeline = load_pipeline(unpacked / "checkpoint", config, environment, None, known)
    for (text, labels, is_multi), expected in zip(CASES, expected_answers()["deberta"], strict=True):
        found = value_of(
            pipeline.answer([ask(text, ZeroShotParameters(candidate_labels=labels, multi_label=is_multi))])[0]
        )
        assert found["scores"] == pytest.approx(sorted(expected, reverse=True), abs=TOLERANCE)
    with open_archive(packed.archive) as members:  # of each of 256 texts as many labels
        assert ModelSize.of(members).of_answers["token_numbers"] == 256 * 256
    facts = asdict(inspect(str(packed.archive), PackOptions(), Silence()).facts)
    assert facts["candidates"] == pipeline.describe()["candidates"]
    assert not facts["labels"]
    said = render_inspection(inspect(str(packed.archive), PackOptions(), Silence()), as_json=False)
    assert "labels that a request names, all read before the text; scorer simple" in said
