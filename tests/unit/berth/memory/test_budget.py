"""A budget's parts, and what becomes of one that does not fit."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from berth.cli.scale import require_room
from berth.clients.launcher import Capacity
from berth.errors import Refused
from berth.machine.forking import IMPORTS_BYTES
from berth.machine.limits import MemoryLimit
from berth.machine.machine import Machine
from berth.machine.nvidia_smi import Gpu
from berth.machine.quantities import GIB, MIB
from berth.memory.budget import (
    FORK_BYTES,
    PROCESS_BYTES,
    Budget,
    ModelLoad,
    ServerSizes,
    plan_budget,
)
from berth.memory.fit import (
    ROOM_FOR_WORKERS,
    MemoryPlan,
    fit,
)
from berth.memory.model_size import ModelSize
from handler.config import (
    TOKEN_BUDGETS,
    TOKENS_PER_SLOT,
    VOCABULARY_PER_TOKEN,
    HandlerConfig,
    Task,
)
from handler.precision import Precision

URL = "http://127.0.0.1:8081"
LAUNCHER = "http://127.0.0.1:8090"
SERVER = ServerSizes(
    queue_length=128,
    request_bytes=MIB,
    response_bytes=4 * MIB,
    vmargs=(),
    cores=2,
    num_gpus=0,
    is_forked=True,
    connections=0,
    has_tls=False,
)
BERT_BASE = ModelSize(
    name="bert-base",
    config=HandlerConfig(task=Task.TEXT_CLASSIFICATION, max_tokens=512),
    batch_size=64,
    weights={"F32": 109_484_547},
    hidden=768,
    intermediate=3072,
    num_labels=3,
    vector_size=768,
    scores=0,
    tokenizer_bytes=711_661,
    content_bytes=438_883_081,
)


def budget(
    facts: ModelSize = BERT_BASE, workers: int = 1, server: ServerSizes = SERVER, *, in_memory: bool = False
) -> Budget:
    return plan_budget([ModelLoad(size=facts, workers=workers, is_in_memory=in_memory)], server)


def amounts(found: Budget) -> Mapping[str, int]:
    """Bytes of one, by what follows the model's name."""
    return {part.name.rpartition(": ")[2]: part.bytes for part in (*found.parts, *found.gpu_parts)}


def test_sparse_vectors_take_slices_of_logits_for_each_thread_and_a_passs_weights() -> None:
    words = replace(BERT_BASE, num_words=30_522)
    plain, sparse = amounts(budget(BERT_BASE)), amounts(budget(words))
    assert sparse["a worker's activations"] - plain["a worker's activations"] == SERVER.cores * 3 * 2**23 * 4
    assert sparse["a worker's batch"] > plain["a worker's batch"] + 4096 * 4096 * 4 - 64 * 2**20


def test_vectors_of_tokens_are_counted_with_the_answers() -> None:
    dense = with_config(task=Task.EMBEDDINGS)
    tokens = amounts(budget(replace(dense, token_width=1025)))["a worker's batch"]
    more = tokens - amounts(budget(dense))["a worker's batch"]
    assert more >= BERT_BASE.batch_size * 2048 * 1025 * 4


def test_vectors_of_tokens_that_rank_are_held_for_one_request() -> None:
    ranker = with_config(task=Task.TEXT_RANKING)
    tokens = amounts(budget(replace(ranker, token_width=128)))["a worker's batch"]
    assert tokens - amounts(budget(ranker))["a worker's batch"] == 131_072 * 128 * 4


def with_config(**settings: object) -> ModelSize:
    assert BERT_BASE.config is not None
    return replace(BERT_BASE, config=replace(BERT_BASE.config, **settings))  # type: ignore[arg-type] # as the caller says


def machine(memory: int, gpu_free: int | None = None, cores: int = 2) -> Machine:
    """With one L4 where `gpu_free` bytes of one are free."""
    limit = MemoryLimit(bytes=memory, source="this machine")
    gpu = Gpu(name="NVIDIA L4", total_bytes=22 * GIB, free_bytes=gpu_free) if gpu_free else None
    return Machine(memory=limit, cores=cores, num_gpus=bool(gpu), gpu=gpu, not_forked=None)


def plan(memory: int, workers: int = 1) -> MemoryPlan:
    return fit([ModelLoad(size=BERT_BASE, workers=workers)], SERVER, machine(memory), why_workers="so it was said")


def test_a_worker_may_have_its_own_parts_and_what_it_was_forked_with() -> None:
    found = budget(workers=2)
    own = sum(part.bytes for part in found.parts if part.count == 2)
    assert found.worker_bytes == {"bert-base": own + IMPORTS_BYTES}
    alone = budget(server=replace(SERVER, is_forked=False))
    assert alone.worker_bytes["bert-base"] == own - FORK_BYTES + PROCESS_BYTES


def test_the_total_is_the_sum_of_the_parts() -> None:
    found = budget(workers=2)
    assert found.total_bytes == sum(part.bytes * part.count for part in found.parts)
    assert {part.count for part in found.parts} == {1, 2}


def test_an_unpacked_folder_in_memory_counts_beside_the_weights_that_are_mapped_from_it() -> None:
    found = amounts(budget(in_memory=True))
    assert found["unpacked folder in memory"] == 438_883_081 - 4 * 109_484_547
    copied = amounts(budget(with_config(precision=Precision.BF16), in_memory=True))
    assert copied["unpacked folder in memory"] == 438_883_081


def test_a_smaller_token_budget_needs_less() -> None:
    smaller = amounts(budget(with_config(token_budget=1024)))
    assert smaller["a worker's activations"] < amounts(budget())["a worker's activations"] / 2


def test_smaller_requests_and_queues_need_less() -> None:
    small = replace(SERVER, request_bytes=MIB // 4, queue_length=100)
    assert budget(server=small).total_bytes < budget().total_bytes - 500 * MIB


def test_every_task_has_a_budget() -> None:
    totals = {task: budget(with_config(task=task)).total_bytes for task in Task}
    assert min(totals.values()) > GIB
    of_spans = totals.pop(Task.ZERO_SHOT_TOKEN_CLASSIFICATION)
    assert max(totals, key=lambda task: totals[task]) in (Task.TOKEN_CLASSIFICATION, Task.FILL_MASK)
    assert of_spans - totals[Task.TOKEN_CLASSIFICATION] == 3 * 2**24 * 4  # scores of spans, and answers as large


def test_on_a_gpu_weights_and_activations_are_there() -> None:
    found = budget(workers=4, server=replace(SERVER, num_gpus=2))
    assert amounts(found)["a worker's weights"] == 2 * 109_484_547  # bf16
    assert {part.count for part in found.gpu_parts} == {2}  # workers of one GPU
    assert not any("activations" in part.name or "shared" in part.name for part in found.parts if "bert" in part.name)


def test_a_server_that_fits_has_room_for_more_workers() -> None:
    fitted = plan(24 * GIB)
    assert fitted.max_workers == ROOM_FOR_WORKERS
    assert fitted.budget.jvm == budget(workers=ROOM_FOR_WORKERS).jvm
    assert "started" in fitted.why_no_more


def test_room_ends_where_memory_does() -> None:
    fitted = plan(budget(workers=2).total_bytes)
    assert fitted.max_workers == 2
    assert fitted.why_no_more.startswith("3 workers of each model would need")
    assert fitted.budget.total_bytes <= budget(workers=2).total_bytes


def test_a_server_that_does_not_fit_is_refused_with_the_numbers() -> None:
    words = (
        r"bert-base would need 4\.9\d GiB of memory, and this machine grants 3\.00 GiB; most of it: .* x 4.*1 worker "
    )
    with pytest.raises(Refused, match=words) as refusal:
        plan(3 * GIB, workers=4).require_fit()
    for word in ("default_workers_per_model", "--token-budget", "--precision", "--memory", "job_queue_size"):
        assert word in str(refusal.value)


def plan_on_gpu(gpu_free: int | None = None, memory: int = 64 * GIB) -> MemoryPlan:
    server = replace(SERVER, num_gpus=1)
    served = [ModelLoad(size=BERT_BASE, workers=1)]
    return fit(served, server, machine(memory, gpu_free), why_workers="so it was said", longest_queue=1024)


def test_a_gpu_that_is_too_small_is_refused() -> None:
    plan_on_gpu(gpu_free=21 * GIB).require_fit()
    plan_on_gpu().require_fit()
    words = r"of a GPU's memory, and 1\.00 GiB of its 22\.00 GiB are free; .*a CUDA context .*nvidia-smi"
    with pytest.raises(Refused, match=words) as refusal:
        plan_on_gpu(gpu_free=GIB).require_fit()
    assert "job_queue_size" not in str(refusal.value)


def test_a_gpus_queue_is_as_long_as_memory_holds() -> None:
    large = plan_on_gpu()
    assert large.queue_length == 1024
    assert large.budget.total_bytes - large.least.total_bytes > 2 * 896 * MIB, "896 more bodies lie in java twice"
    small = plan_on_gpu(memory=large.least.total_bytes + GIB)
    assert small.queue_length == 512
    assert small.budget.total_bytes <= large.least.total_bytes + GIB
    assert plan_on_gpu(memory=large.least.total_bytes).queue_length == SERVER.queue_length


def test_what_was_measured_on_one_h100_is_predicted_within_15_percent() -> None:
    """MiB of one worker, BERT-base in bf16; 2026-11-28, docs/memory.md. The constants are fitted to the same run."""
    found = {name: size / MIB for name, size in amounts(budget(server=replace(SERVER, num_gpus=1))).items()}
    at_rest = found["a CUDA context"] + found["a worker's weights"]
    loaded = at_rest + found["a worker's activations"]
    for predicted, measured in ((at_rest, 952), (loaded, 1812), (loaded + found["a worker's graphs"], 2662)):
        assert predicted == pytest.approx(measured, rel=0.15)


def test_only_packed_models_in_half_precision_have_graphs() -> None:
    on_gpu = replace(SERVER, num_gpus=1)
    assert "a worker's graphs" in amounts(budget(server=on_gpu))
    assert "a worker's graphs" not in amounts(budget(replace(BERT_BASE, scores=36), server=on_gpu))
    assert "a worker's graphs" in amounts(budget(with_config(precision=Precision.FP16), server=on_gpu))
    assert "a worker's graphs" not in amounts(budget(with_config(precision=Precision.FP32), server=on_gpu))


def test_graphs_of_a_masked_language_model_end_in_scores_of_whole_vocabularies() -> None:
    on_gpu = replace(SERVER, num_gpus=1)
    other, masked = (
        amounts(budget(with_config(task=task), server=on_gpu))["a worker's graphs"]
        for task in (Task.TEXT_CLASSIFICATION, Task.FILL_MASK)
    )
    of_a_token = VOCABULARY_PER_TOKEN - BERT_BASE.vector_size // TOKENS_PER_SLOT
    assert masked - other == TOKEN_BUDGETS["cuda"] * of_a_token * 4


def capacity(of: str = URL, models: tuple[str, ...] = ("bert-base",), max_workers: int = 2) -> Capacity:
    return Capacity(
        inference="http://127.0.0.1:8080", management=of, models=models, max_workers=max_workers, reason="3 workers wo"
    )


def test_scaling_beyond_the_room_is_refused() -> None:
    fitted = plan(budget(workers=2).total_bytes)
    known = replace(capacity(models=fitted.names), max_workers=fitted.max_workers, reason=fitted.why_no_more)
    assert require_room(URL, "bert-base", 2, known, LAUNCHER) is None
    with pytest.raises(
        Refused, match=r"3 workers of bert-base are too many .* room for 2 .*: 3 workers of each model wo"
    ):
        require_room(URL, "bert-base", 3, known, LAUNCHER)


@pytest.mark.parametrize("same", ["http://localhost:8081", "http://127.0.0.1:8081/"])
def test_a_server_is_known_by_any_name_of_this_machine(same: str) -> None:
    with pytest.raises(Refused, match="room for 2"):
        require_room(same, "bert-base", 3, capacity(), LAUNCHER)


@pytest.mark.parametrize("other", [capacity("http://127.0.0.1:9"), capacity(models=("other",))], ids=["port", "model"])
def test_another_servers_launcher_is_told_from_this_ones(other: Capacity) -> None:
    why = require_room(URL, "bert-base", 64, other, LAUNCHER)
    assert why is not None
    assert f"the launcher at {LAUNCHER} is of another server" in why


def test_without_its_launcher_nothing_is_known() -> None:
    why = require_room(URL, "bert-base", 64, None, LAUNCHER)
    assert why is not None
    assert f"no launcher answers at {LAUNCHER}" in why


def test_the_imports_of_forks_are_counted_once() -> None:
    forked, plain = (
        [budget(workers=workers, server=replace(SERVER, is_forked=is_forked)).total_bytes for workers in (1, 4)]
        for is_forked in (True, False)
    )
    assert amounts(budget())["imports, shared"] == IMPORTS_BYTES
    assert plain[1] - plain[0] - (forked[1] - forked[0]) == 3 * (PROCESS_BYTES - FORK_BYTES)
