"""The memory that each rendering grants, held against the budget of what it serves: the sample, or a BERT-base."""

from pathlib import Path

import pytest

from berth.machine.gpu import DEVICE_VARIABLE
from berth.machine.limits import MemoryLimit
from berth.machine.machine import Machine
from berth.machine.nvidia_smi import Gpu
from berth.machine.quantities import GIB, parse_quantity
from berth.memory.budget import ModelLoad
from berth.memory.fit import MOST_CONNECTIONS
from berth.memory.model_size import ModelSize
from berth.memory.plan import LONGEST_QUEUE, plan_models
from berth.memory.workers import choose_workers
from berth.settings import Settings
from handler.config import HandlerConfig, Task
from tests.support.servers import CONFIG

from .conftest import Rendered
from .renderings import OVERLAYS, RENDERINGS
from .test_pod import container, environment, pod

L4 = Gpu(name="NVIDIA L4", total_bytes=23034 * 2**20, free_bytes=22 * GIB)  # of its 24 GB, what nvidia-smi shows
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
    num_gpus = int(resources["limits"].get("nvidia.com/gpu", "0"))
    assert bool(num_gpus) == (environment(objects).get(DEVICE_VARIABLE) == "cuda")
    granted = MemoryLimit(bytes=parse_quantity(resources["limits"]["memory"]), source="the pod")
    machine = Machine(
        memory=granted,
        cores=int(resources["limits"]["cpu"]),
        num_gpus=num_gpus,
        gpu=L4 if num_gpus else None,
        not_forked=None,
        haproxy=Path("/usr/sbin/haproxy"),
    )
    in_memory = any(volume.get("emptyDir", {}).get("medium") == "Memory" for volume in pod(objects)["volumes"])
    served = ModelLoad(size=facts(name), workers=1, is_in_memory=in_memory)
    planned = plan_models([served], Settings.load(CONFIG, {}), machine)
    planned.require_fit()
    if rendering in OVERLAYS:
        assert planned.connections == MOST_CONNECTIONS
    assert resources["requests"]["memory"] == resources["limits"]["memory"]
    if rendering == "gke-gpu":
        assert (planned.workers, planned.queue_length) == (choose_workers(machine, 1).number, LONGEST_QUEUE)
        assert planned.max_workers > planned.workers
