"""Every task on every architecture on a GPU, with recorded passes: the known answers, and those of the same engine."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from handler.choose_engine import load_pipeline
from handler.config import Device, HandlerConfig, Task
from handler.engine.graphs.graphed_model import GraphedModel
from handler.engine.model import Engine
from handler.pipeline import Pipeline
from handler.worker.environment import Environment
from tests.support.checkpoints import ARCHITECTURES, RELATIVE, TASKS_OF, make_checkpoint
from tests.support.equality.cells import known_answers

NO_GPU = "no CUDA device: run `make gpu-check` on a GPU machine"
pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason=NO_GPU)]

ENVIRONMENT = Environment(device=Device.CUDA, cores=2, max_response_bytes=2**24)
TOLERANCE = 1e-2  # bf16 beside bf16, over the length of the row or over 1
CELLS = [(architecture, task) for architecture in ARCHITECTURES for task in TASKS_OF[architecture]]


@pytest.mark.parametrize(("architecture", "task"), CELLS)
def test_known_answers_and_those_of_the_engine_alone(tmp_path: Path, architecture: str, task: Task) -> None:
    make_checkpoint(tmp_path, architecture, task)
    config = HandlerConfig(task=task, max_tokens=512)
    known = known_answers(tmp_path, task)
    pipeline = load_pipeline(tmp_path, config, ENVIRONMENT, 0, known)  # SelfTestError where it does not give them
    assert pipeline.engine is (Engine.PADDED if architecture in RELATIVE else Engine.PACKED)
    if pipeline.engine is Engine.PADDED:
        return
    assert isinstance(pipeline.model, GraphedModel)
    assert str(pipeline.model.notes["graphs"]).endswith("sizes, up to 16384 tokens"), pipeline.model.notes
    graphed: Any = pipeline.model
    plain: Any = Pipeline(tmp_path, config, torch.device("cuda", 0), Engine.PACKED).model
    texts = pipeline.read(known)
    (batch,) = plain.batches(texts, 1_000_000)
    for row, expected in zip(graphed.forward(batch), plain.forward(batch), strict=True):
        assert np.linalg.norm(row - expected) <= TOLERANCE * max(1.0, float(np.linalg.norm(expected)))
