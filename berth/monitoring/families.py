"""Every metric that the launcher shows of itself; docs/metrics.md has the same table."""

from ..exposition import Family, Kind


def _gauge(name: str, unit: str, meaning: str, *labels: str) -> Family:
    return Family(name=name, kind=Kind.GAUGE, unit=unit, meaning=meaning, labels=labels)


def _counter(name: str, meaning: str, *labels: str) -> Family:
    return Family(name=name, kind=Kind.COUNTER, unit="count", meaning=meaning, labels=labels)


INFO = _gauge("berth_info", "1", "always 1: which berth serves", "version")
STARTED = _gauge("berth_start_time_seconds", "seconds", "when the launcher started, in Unix time")
READY = _gauge("berth_ready", "0 or 1", "whether `/ready` says yes: a request sent now would be answered")
LIVE = _gauge("berth_live", "0 or 1", "whether `/live` says yes; 0: only a restart helps")
MODEL_INFO = _gauge(
    "berth_model_info",
    "1",
    "always 1: what is served, and how its worker computes; empty until the first deep check is back",
    *("task", "engine", "precision", "digest"),
)
WANTED = _gauge("berth_workers_wanted", "count", "workers that the model should have")
WORKERS_READY = _gauge("berth_workers_ready", "count", "workers that have loaded the model")
RESTARTS = _counter(
    "berth_worker_restarts_total",
    "how often a worker ended and another process took its place, repairs by berth included",
)
QUEUED = _gauge("berth_queue_requests", "count", "requests in TorchServe's queue that no worker has taken yet")
QUEUE_LIMIT = _gauge("berth_queue_limit", "count", "requests that TorchServe's queue of the model holds")
CHECK_WAIT = _gauge(
    "berth_check_wait_seconds",
    "seconds",
    "how long the deep check that is under way has waited in TorchServe's queue, as any request there",
)
CHECKS = _counter(
    "berth_deep_checks_total",
    "deep checks by what became of them: `right`, `wrong`, `error`, `none` (busy, or no answer in 30 s)",
    "verdict",
)
DIFFERENCE = _gauge(
    "berth_check_difference", "1", "how far the last right answer of a deep check was off the known one"
)
TOKEN_BUDGET = _gauge("berth_token_budget", "tokens", "the most tokens that one forward pass has")
MEMORY_LIMIT = _gauge(
    "berth_memory_limit_bytes", "bytes", "what the server may take: the container's limit, or --memory"
)
MEMORY_PREDICTED = _gauge(
    "berth_memory_predicted_bytes", "bytes", "what the server takes at worst, as it was counted before its start"
)
MEMORY_USED = _gauge(
    "berth_memory_used_bytes",
    "bytes",
    "what its processes take (PSS: a page of n processes counts 1/n in each), counted every 5 s at most",
    "part",
)
GPU_BUSY = _gauge("berth_gpu_busy_ratio", "0 to 1", "the part of the last second in which a GPU computed", "gpu")
GPU_USED = _gauge("berth_gpu_memory_used_bytes", "bytes", "what all processes hold of a GPU's memory", "gpu")
GPU_TOTAL = _gauge("berth_gpu_memory_bytes", "bytes", "a GPU's memory", "gpu")

OF_MODELS = (
    *(MODEL_INFO, WANTED, WORKERS_READY, RESTARTS, QUEUED, QUEUE_LIMIT, CHECK_WAIT, CHECKS, DIFFERENCE, TOKEN_BUDGET),
)
OF_GPUS = (GPU_BUSY, GPU_USED, GPU_TOTAL)
FAMILIES = (INFO, STARTED, READY, LIVE, *OF_MODELS, MEMORY_LIMIT, MEMORY_PREDICTED, MEMORY_USED, *OF_GPUS)
