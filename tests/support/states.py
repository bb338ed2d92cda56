"""Makes model states as TorchServe's management API describes them."""

from berth.clients.management import ModelState, WorkerState

GPU = "gpuId::1 utilization.gpu [%]::3 % utilization.memory [%]::0 % memory.used [MiB]::1652 MiB"


def make_state(*statuses: str, gpu: str = "", memory_bytes: int | None = None) -> ModelState:
    """A model with one worker per status; only a READY one has a process."""
    workers = [
        WorkerState(
            id=str(9000 + index),
            status=status,
            pid=100 + index if status == "READY" else None,
            gpu=gpu,
            memory_bytes=memory_bytes,
        )
        for index, status in enumerate(statuses)
    ]
    return ModelState(
        name="bert",
        version="1.0",
        is_default=None,
        workers=tuple(workers),
        min_workers=len(workers),
        max_workers=len(workers),
        batch_size=64,
        max_batch_delay_ms=1,
        startup_timeout_s=300,
        pending_requests=3,
        queue_length=128,
    )
