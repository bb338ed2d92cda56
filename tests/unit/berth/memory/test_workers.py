"""How many workers a model starts with where nobody said it: by card, cores, models, and what memory holds."""

from dataclasses import replace

import pytest

from berth.machine.limits import MemoryLimit
from berth.machine.machine import Machine
from berth.machine.nvidia_smi import Gpu
from berth.machine.quantities import GIB
from berth.memory.budget import ModelLoad
from berth.memory.fit import MemoryPlan
from berth.memory.plan import plan_models
from berth.memory.workers import choose_workers
from berth.settings import Settings
from tests.support.servers import CONFIG

from .test_budget import BERT_BASE

H100, L4, T4 = "NVIDIA H100 80GB HBM3", "NVIDIA L4", "Tesla T4"


def machine(
    name: str = L4, *, cores: int = 16, num_gpus: int = 1, free: int = 22 * GIB, memory: int = 64 * GIB
) -> Machine:
    gpu = Gpu(name=name, total_bytes=80 * GIB, free_bytes=free)
    limit = MemoryLimit(bytes=memory, source="this machine")
    return Machine(memory=limit, cores=cores, num_gpus=num_gpus, gpu=gpu if num_gpus else None, not_forked=None)


def plan(on: Machine, num_models: int = 1, **variables: str) -> MemoryPlan:
    models = [ModelLoad(size=replace(BERT_BASE, name=f"bert-{number}"), workers=1) for number in range(num_models)]
    return plan_models(models, Settings.load(CONFIG, variables), on)


@pytest.mark.parametrize(
    ("name", "cores", "num_gpus", "num_models", "number"),
    [
        (H100, 16, 1, 1, 4),  # measured; all below follows from the rule
        (H100, 4, 1, 1, 3),
        (H100, 16, 1, 2, 2),
        (H100, 16, 1, 8, 1),
        (H100, 16, 4, 1, 12),
        (L4, 7, 1, 1, 2),
        (L4, 3, 1, 1, 2),
        (L4, 2, 1, 1, 1),
        (L4, 1, 1, 1, 1),
        (T4, 16, 1, 1, 2),
        ("NVIDIA H200", 16, 1, 1, 4),
        (f"{H100} MIG 1g.10gb", 16, 1, 1, 2),
        ("NVIDIA L40S", 16, 1, 1, 2),
        ("", 2, 0, 1, 1),
    ],
)
def test_workers_fill_the_card_and_have_a_core_each(
    name: str, cores: int, num_gpus: int, num_models: int, number: int
) -> None:
    assert choose_workers(machine(name, cores=cores, num_gpus=num_gpus), num_models).number == number


def test_it_is_said_what_was_measured_and_what_was_not() -> None:
    assert choose_workers(machine(H100), 1).why == f"{H100} is filled by 4 (measured on 16 cores, 2026-11-28)"
    assert choose_workers(machine(L4), 1).why == "NVIDIA L4 is filled by 2 (not measured)"
    assert "is not known is filled by 2 (not measured)" in choose_workers(replace(machine(), gpu=None), 1).why
    assert "of 2 cores one is java's" in choose_workers(machine(cores=2), 1).why
    assert "2 models share it" in choose_workers(machine(H100), 2).why


def test_no_more_than_the_cards_free_memory_holds() -> None:
    on = machine(H100, free=80 * GIB)
    each = plan(on).budget.gpu_bytes // 4
    short = plan(replace(on, gpu=Gpu(name=H100, total_bytes=80 * GIB, free_bytes=3 * each)))
    assert (plan(on).workers, short.workers, short.refusal) == (4, 3, None)
    assert short.why_workers.endswith("; memory holds no more")
    assert short.max_workers == 3
    assert plan(replace(on, gpu=Gpu(name=H100, total_bytes=80 * GIB, free_bytes=each - 1))).refusal


def test_no_more_than_the_machines_memory_holds() -> None:
    two = plan(machine(H100, free=80 * GIB), TS_DEFAULT_WORKERS_PER_MODEL="2").least.total_bytes
    chosen = plan(machine(H100, free=80 * GIB, memory=two))
    assert (chosen.workers, chosen.refusal) == (2, None)
    assert chosen.queue_length == 128, "workers come before a longer queue"


def test_several_models_share_card_and_memory() -> None:
    assert plan(machine(H100, free=80 * GIB), num_models=2).workers == 2
    assert plan(machine(L4, cores=7), num_models=2).workers == 1


def test_a_number_that_somebody_said_is_taken() -> None:
    said = plan(machine(L4, cores=3, free=80 * GIB), TS_DEFAULT_WORKERS_PER_MODEL="5", TS_JOB_QUEUE_SIZE="50")
    assert (said.workers, said.queue_length) == (5, 50)
    assert said.why_workers == "default_workers_per_model says so"


def test_scale_goes_on_from_there() -> None:
    assert plan(machine(H100, free=80 * GIB)).max_workers == 8


def test_on_a_cpu_nothing_changes() -> None:
    chosen = plan(machine(num_gpus=0))
    assert (chosen.workers, chosen.queue_length) == (1, 128)
