"""A GPU's answers against plain transformers on this machine's CPU in fp32: every task, on a BERT-base."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from handler.config import HandlerConfig, Task
from handler.engine.model import OF_TRANSFORMERS, Engine
from handler.pipeline import Pipeline
from handler.precision import Precision
from tests.support.checkpoints.large import make_bert_base
from tests.support.equality.cells import known_answers

NO_GPU = "no CUDA device: run `make gpu-check` on a GPU machine"
pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason=NO_GPU)]


@pytest.fixture(scope="module", params=[task for task in Task if task is not Task.ZERO_SHOT_TOKEN_CLASSIFICATION])
def checkpoint_of_task(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Task, Path]:
    return request.param, make_bert_base(tmp_path_factory.mktemp("base"), request.param)


@pytest.fixture
def cuda_memory() -> Iterator[None]:
    yield
    torch.cuda.empty_cache()


@pytest.mark.usefixtures("cuda_memory")
@pytest.mark.parametrize("precision", [Precision.AUTO, Precision.FP16, Precision.FP32])
@pytest.mark.parametrize("engine", OF_TRANSFORMERS)
def test_gpu_gives_the_known_answers(
    checkpoint_of_task: tuple[Task, Path], engine: Engine, precision: Precision
) -> None:
    task, folder = checkpoint_of_task
    config = HandlerConfig(task=task, max_tokens=512, precision=precision)
    pipeline = Pipeline(folder, config, torch.device("cuda"), engine)
    assert pipeline.check(known_answers(folder, task)) <= pipeline.tolerance
