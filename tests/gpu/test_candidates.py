"""A GLiClass model on a GPU: the encoder as it is chosen there, and what is behind it."""

from pathlib import Path

import pytest
import torch

from berth.pack.load_checkpoint import load_checkpoint
from berth.pack.reference_answers import reference_answers
from handler.engine.model import OF_TRANSFORMERS, Engine
from handler.known_answers import load_known_answers
from handler.pipeline import Pipeline
from handler.tasks import TASKS
from tests.support.checkpoints.gliclass import converted_gliclass, make_gliclass
from tests.support.references.gliclass_models import MODELS

NO_GPU = "no CUDA device: run `make gpu-check` on a GPU machine"
pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason=NO_GPU)]


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("engine", OF_TRANSFORMERS)
def test_gpu_gives_the_known_logits_of_labels(tmp_path: Path, name: str, engine: Engine) -> None:
    with converted_gliclass(make_gliclass(tmp_path / name, **MODELS[name])) as (root, config):
        path = tmp_path / "known_answers.json"
        path.write_bytes(reference_answers(load_checkpoint(root, None)).to_json())
        pipeline = Pipeline(root, config, torch.device("cuda"), engine)
        assert pipeline.check(load_known_answers(path, TASKS[config.task])) <= pipeline.tolerance
