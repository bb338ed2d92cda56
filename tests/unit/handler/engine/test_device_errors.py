"""A lost GPU ends the worker, and nothing else does. CUDA's part is injected: this machine need not have a GPU."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from handler.config import HandlerConfig, Task
from handler.engine import device_errors
from handler.engine.forward import Forward
from handler.engine.model import Engine
from handler.engine.placement import Placement
from handler.errors import DeviceLost, InternalError, OutOfMemory
from handler.parameters import ExplanationParameters
from handler.pipeline import Pipeline
from handler.precision import Precision
from handler.text.encoded import EncodedText
from handler.worker.metrics import Stopwatch
from tests.conftest import MakeCheckpoint
from tests.support.asking import ask
from tests.support.equality.cells import known_answers

CUDA = torch.device("cuda", 0)
PLACEMENT = Placement(device=CUDA, precision=Precision.FP32, token_budget=10)
ASSERT = "CUDA error: device-side assert triggered\nCompile with `TORCH_USE_CUDA_DSA` ..."
# A worker as TorchServe runs one: memory runs out, and the request is answered; the GPU is lost, and nothing is.
WORKER = """
import atexit, json, logging, sys
import torch
from ts.context import Context, RequestProcessor
from handler.bert_handler import BertHandler

logging.basicConfig(stream=sys.stdout, format="%(message)s", level=logging.INFO)
atexit.register(print, "a destructor")
manifest = {"model": {"modelName": "bert", "modelVersion": "1.0"}}
config = {"responseTimeout": 60, "handler": {"task": "embeddings", "max_tokens": 512}}
context = Context("bert", sys.argv[1], manifest, 4, None, "1.0", model_yaml_config=config)
handler = BertHandler()
handler.initialize(context)
model = handler._pipeline._model
whole = model.forward

def ask():
    context.request_processor = [RequestProcessor({"explain": "False", "url_path": ""}) for _ in range(3)]
    handler.handle([{"body": json.dumps({"inputs": text}).encode()} for text in ("one", "two", 3)], context)
    print("statuses", *(context.get_response_status(index)[0] for index in range(3)))

def small(batch):
    if len(batch.indices) > 1:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.")
    return whole(batch)

def lost(*_):
    raise torch.AcceleratorError("CUDA error: device-side assert triggered")

model.forward = small
ask()
model.forward = torch.cuda.synchronize = lost
handler._pipeline._forward._device = torch.device("cuda")
ask()
"""


class OneByOne:
    """The least of a model: a batch for each text, and what is done instead of a forward pass."""

    network = None

    def __init__(self, forward: Callable[[], Any]) -> None:
        self._forward = forward

    def batches(self, texts: list[EncodedText], token_budget: int) -> Any:
        for index in range(len(texts)):
            yield type("Batch", (), {"indices": [index], "cost": 1})

    def forward(self, _: Any) -> Any:
        return self._forward()


class Cuda:
    """What stands for torch.cuda's two functions that are called."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.error: Exception | None = None
        self.num_emptied = 0
        monkeypatch.setattr(torch.cuda, "synchronize", self._synchronize)
        monkeypatch.setattr(torch.cuda, "empty_cache", self._empty_cache)

    def _synchronize(self, device: torch.device) -> None:
        assert device == CUDA
        if self.error:
            raise self.error

    def _empty_cache(self) -> None:
        self.num_emptied += 1


@pytest.fixture
def cuda(monkeypatch: pytest.MonkeyPatch) -> Cuda:
    return Cuda(monkeypatch)


def raise_on(turn: int, error: Exception) -> Callable[[], Any]:
    """Rows, and at one turn the error."""
    turns = iter(range(100))

    def forward() -> Any:
        if next(turns) == turn:
            raise error
        return [np.ones(1, np.float32)]

    return forward


def run(forward: Callable[[], Any]) -> list[Any]:
    texts = [EncodedText(ids=np.ones(1, np.int32), type_ids=np.zeros(1, np.int8), num_tokens_uncut=1)] * 3
    model: Any = OneByOne(forward)
    return [row for _, row in Forward(model, PLACEMENT).rows(texts, [1e12] * len(texts), Stopwatch())]


@pytest.mark.parametrize("first", [torch.AcceleratorError(ASSERT), RuntimeError("CUDA driver error: 719")])
def test_lost_device_is_not_an_answer(cuda: Cuda, first: Exception) -> None:
    cuda.error = torch.AcceleratorError(ASSERT)
    with pytest.raises(DeviceLost, match=r"cuda:0 fails every call .*: CUDA error: device-side assert triggered$"):
        run(raise_on(1, first))


def test_memory_may_seem_to_run_out_on_a_lost_device(cuda: Cuda) -> None:
    cuda.error = torch.AcceleratorError(ASSERT)
    with pytest.raises(DeviceLost):
        run(raise_on(0, torch.OutOfMemoryError("CUDA out of memory.")))
    assert cuda.num_emptied == 0


def test_error_that_passes_is_its_batchs_alone(cuda: Cuda) -> None:
    first, failed, last = run(raise_on(1, torch.AcceleratorError("CUDA error: invalid argument")))
    assert isinstance(failed, InternalError)
    assert first == last == [1.0]
    assert cuda.num_emptied == 0


def test_cached_blocks_are_given_back_where_memory_ran_out(cuda: Cuda) -> None:
    _, failed, last = run(raise_on(1, torch.OutOfMemoryError("CUDA out of memory.")))
    assert isinstance(failed, OutOfMemory)
    assert last == [1.0]
    assert cuda.num_emptied == 1


def test_explanation_on_a_lost_device_is_not_an_answer(
    checkpoint: MakeCheckpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = HandlerConfig(task=Task.TEXT_CLASSIFICATION, max_tokens=512)
    pipeline: Any = Pipeline(checkpoint("bert", config.task), config, torch.device("cpu"), Engine.PACKED)

    def fail(*_: Any) -> None:
        raise torch.AcceleratorError(ASSERT)

    pipeline._model.network.register_forward_pre_hook(fail)
    monkeypatch.setattr(device_errors, "why_lost", lambda _: "CUDA error: device-side assert triggered")
    with pytest.raises(DeviceLost):
        pipeline.answer([ask("a text", ExplanationParameters())])


def cpu_allocator_error() -> Exception:
    with pytest.raises(RuntimeError) as raised:
        torch.empty(2**46)
    return raised.value


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (torch.OutOfMemoryError("CUDA out of memory."), True),
        (torch.AcceleratorError("CUDA error: out of memory\nSearch for `cudaErrorMemoryAllocation' in ..."), True),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"), True),
        (MemoryError(), True),
        (cpu_allocator_error(), True),
        (torch.AcceleratorError(ASSERT), False),
        (RuntimeError("CUDA error: CUBLAS_STATUS_EXECUTION_FAILED when calling `cublasSgemm(...)`"), False),
        (ValueError("CUDA error: out of memory"), False),
    ],
)
def test_what_is_out_of_memory(error: Exception, *, expected: bool) -> None:
    assert device_errors.is_out_of_memory(error) is expected


def test_a_cpu_is_never_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "synchronize", None)
    assert device_errors.why_lost(torch.device("cpu")) is None


def test_worker_answers_without_memory_and_ends_without_its_gpu(checkpoint: MakeCheckpoint, tmp_path: Path) -> None:
    folder = checkpoint("bert", Task.EMBEDDINGS)
    known_answers(folder, Task.EMBEDDINGS)  # writes them
    (tmp_path / "checkpoint").symlink_to(folder)
    (tmp_path / "requirements.txt").touch()
    (tmp_path / "known_answers.json").write_bytes((folder / f"known_answers-{Task.EMBEDDINGS}.json").read_bytes())
    worker = subprocess.run(
        [sys.executable, "-c", WORKER, str(tmp_path)], capture_output=True, text=True, check=False, timeout=120
    )
    assert worker.returncode == device_errors.EXIT_CODE, worker.stderr
    lines = worker.stdout.splitlines()
    assert [line for line in lines if line.startswith("statuses")] == ["statuses 200 200 422"]
    samples = [line.partition("|")[0] for line in lines if "berth_out_of_memory_total" in line]
    assert samples == [f"[METRICS]berth_out_of_memory_total.Count:{count}" for count in (0, 1)]
    assert lines[-1].startswith("this worker ends: cuda fails every call")
    assert lines[-1].endswith("CUDA error: device-side assert triggered")
    assert "a destructor" not in lines
