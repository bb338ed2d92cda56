"""A GPU's answers against this machine's CPU in fp32, on a BERT-base; and that the GPU path is the one that ran."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from handler.config import HandlerConfig, Precision, Task
from handler.model import Engine
from handler.parameters import ClassificationParameters, EmbeddingParameters
from handler.pipeline import Pipeline
from handler.selftest import TOLERANCES, difference

from ..asking import ask, value_of
from ..texts import mixed_texts
from .large_checkpoints import make_bert_base

NO_GPU = "no CUDA device: run `make gpu-check` on a GPU machine"
pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason=NO_GPU)]

PARAMETERS = {Task.EMBEDDINGS: EmbeddingParameters(), Task.TEXT_CLASSIFICATION: ClassificationParameters(top_k=None)}


@pytest.fixture(scope="module", params=list(Task))
def checkpoint_of_task(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Task, Path]:
    return request.param, make_bert_base(tmp_path_factory.mktemp("base"), request.param)


@pytest.fixture
def cuda_memory() -> Iterator[None]:
    yield
    torch.cuda.empty_cache()


@pytest.mark.usefixtures("cuda_memory")
@pytest.mark.parametrize("precision", [Precision.AUTO, Precision.FP16, Precision.FP32])
@pytest.mark.parametrize("engine", Engine)
def test_gpu_equals_cpu(checkpoint_of_task: tuple[Task, Path], engine: Engine, precision: Precision) -> None:
    task, folder = checkpoint_of_task
    requests = [ask(text, PARAMETERS[task]) for text in mixed_texts(40)]
    answers = {
        device: Pipeline(
            folder,
            HandlerConfig(
                task=task, max_tokens=512, normalize=True, precision=precision if device == "cuda" else Precision.FP32
            ),
            torch.device(device),
            engine,
        ).answer(requests)
        for device in ("cpu", "cuda")
    }
    tolerance = TOLERANCES[Precision.BF16 if precision is Precision.AUTO else precision]
    for on_cpu, on_gpu in zip(answers["cpu"], answers["cuda"], strict=True):
        assert difference(value_of(on_gpu), value_of(on_cpu)) <= tolerance
