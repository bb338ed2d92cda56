"""Which splits are tried, on machines that are described."""

from dataclasses import replace

import pytest

from berth.machine.limits import MemoryLimit
from berth.machine.machine import Machine
from berth.machine.quantities import GIB
from berth.memory.split import Split
from berth.tune.splits import plan_splits
from handler.config import HandlerConfig, Task

CPU = Machine(memory=MemoryLimit(bytes=8 * GIB, source="this"), cores=2, num_gpus=0, gpu=None, not_forked=None)
CONFIG = HandlerConfig(task=Task.EMBEDDINGS, max_tokens=512)


def pairs(machine: Machine, asked_workers: int = 0) -> list[tuple[int, int]]:
    splits = plan_splits(machine, CONFIG, 1 if not machine.num_gpus else 4, asked_workers)
    return list(dict.fromkeys((split.workers, split.threads) for split in splits))


def test_two_cores_are_split_in_every_way_and_the_default_comes_first() -> None:
    splits = plan_splits(CPU, CONFIG, 1, 0)
    assert splits[0] == Split(workers=1, threads=2, token_budget=4096)
    assert pairs(CPU) == [(1, 2), (1, 1), (2, 1), (2, 2)]
    assert {split.token_budget for split in splits} == {4096, 1024}
    assert len(set(splits)) == len(splits) == 8


@pytest.mark.parametrize(
    ("cores", "expected"),
    [
        (1, [(1, 1)]),
        (8, [(1, 8), (1, 4), (2, 4), (2, 2), (2, 8), (4, 2), (4, 1), (4, 4), (8, 1), (8, 2)]),
    ],
)
def test_other_numbers_of_cores(cores: int, expected: list[tuple[int, int]]) -> None:
    assert pairs(replace(CPU, cores=cores)) == expected


def test_a_gpu_is_shared_by_workers_with_their_share_of_the_cores() -> None:
    assert pairs(replace(CPU, cores=16, num_gpus=1)) == [(4, 4), (1, 16), (2, 8), (8, 2)]
    assert pairs(replace(CPU, cores=16, num_gpus=2)) == [(4, 4), (2, 8), (8, 2), (16, 1)]


def test_workers_that_somebody_asked_for_are_the_only_ones() -> None:
    assert pairs(CPU, asked_workers=3) == [(3, 1), (3, 2)]


def test_no_budget_is_below_the_longest_text() -> None:
    long = HandlerConfig(task=Task.EMBEDDINGS, max_tokens=3000)
    assert {split.token_budget for split in plan_splits(CPU, long, 1, 0)} == {4096, 3000}
    packed = HandlerConfig(task=Task.EMBEDDINGS, max_tokens=512, token_budget=512)
    assert {split.token_budget for split in plan_splits(CPU, packed, 1, 0)} == {512}
