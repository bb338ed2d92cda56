"""The memory that each rendering grants, held against the budget of what it serves: the sample, or a BERT-base."""

import pytest

from berth.machine.gpu import DEVICE_VARIABLE
from berth.machine.quantities import parse_quantity
from berth.memory.budget import ModelLoad, ServerSizes, plan_budget
from berth.memory.model_size import ModelSize
from berth.settings import Settings
from handler.config import HandlerConfig, Task
from tests.support.servers import CONFIG

from .conftest import Rendered
from .renderings import RENDERINGS
from .test_pod import container, environment, pod

L4_BYTES = 22 * 2**30  # of its 24 GB, what nvidia-smi shows
SHAPES = {
    "sample": {
        "weights": {"F32": 22_713_216},
        "hidden": 384,
        "intermediate": 1536,
        "vector_size": 384,
        "content_bytes": 91_840_981,
    },
    "bert-base": {
        "weights": {"F32": 109_484_547},
        "hidden": 768,
        "intermediate": 3072,
        "vector_size": 768,
        "content_bytes": 438_883_081,
    },
}
TASKS = {"sample": Task.EMBEDDINGS, "bert-base": Task.TEXT_CLASSIFICATION}


def facts(name: str) -> ModelSize:
    config = HandlerConfig(task=TASKS[name], max_tokens=512)
    return ModelSize(
        name=name,
        config=config,
        batch_size=64,
        num_labels=3,
        scores=0,
        tokenizer_bytes=711_661,
        **SHAPES[name],  # type: ignore[arg-type]
    )


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("rendering", RENDERINGS)
def test_the_pod_holds_what_it_serves(rendered: Rendered, rendering: str, name: str) -> None:
    objects = rendered(rendering)
    resources = container(objects)["resources"]
    settings = Settings.load(CONFIG, {})
    num_gpus = int(resources["limits"].get("nvidia.com/gpu", "0"))
    assert bool(num_gpus) == (environment(objects).get(DEVICE_VARIABLE) == "cuda")
    server = ServerSizes(
        queue_length=settings.queue_length,
        request_bytes=settings.max_request_bytes,
        response_bytes=settings.max_response_bytes,
        vmargs=settings.vmargs,
        cores=int(resources["limits"]["cpu"]),
        num_gpus=num_gpus,
        is_forked=not num_gpus,
    )
    in_memory = any(volume.get("emptyDir", {}).get("medium") == "Memory" for volume in pod(objects)["volumes"])
    served = ModelLoad(size=facts(name), workers=settings.workers_on(num_gpus), is_in_memory=in_memory)
    budget = plan_budget([served], server)
    assert budget.total_bytes <= parse_quantity(resources["limits"]["memory"])
    assert resources["requests"]["memory"] == resources["limits"]["memory"]
    assert budget.gpu_bytes <= L4_BYTES
