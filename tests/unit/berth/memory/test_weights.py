"""Weights are mapped once for all workers, or each worker's own."""

from dataclasses import replace

import pytest

from berth.machine.quantities import MIB
from handler.config import LoneTexts
from handler.precision import Precision

from .test_budget import BERT_BASE, SERVER, amounts, budget, with_config


def test_weights_count_once_for_all_workers() -> None:
    assert amounts(budget(workers=4))["weights, shared"] == amounts(budget())["weights, shared"] == 109_484_547 * 4


def test_a_worker_that_may_choose_is_counted_at_its_worst() -> None:
    """int8 keeps the file mapped and a byte for each number beside it; bf16 two bytes, and not the file."""
    int8 = amounts(budget(with_config(precision=Precision.FASTEST, cpu_precisions={"int8": 0.99})))
    assert int8["a worker's copy of the weights"] == 109_484_547
    assert int8["weights, shared"] == 4 * 109_484_547
    bf16 = with_config(precision=Precision.FASTEST, cpu_precisions={"bf16": 0.999})
    assert amounts(budget(bf16)) == amounts(budget())  # one worker's fp32, mapped, is more than its bf16
    assert amounts(budget(bf16, workers=4))["a worker's copy of the weights"] == 2 * 109_484_547
    plain = amounts(budget())["a worker's activations"]
    assert int8["a worker's activations"] == plain + 4096 * 3072 * 4


def test_openvinos_copy_is_each_workers_own() -> None:
    """1.4 times the weights: MiniLM's worker was measured at 210 MB more, of which the package is 96 MiB."""
    server = replace(SERVER, lone_texts=LoneTexts.OPENVINO)
    found = {part.name: part for part in budget(workers=3, server=server).parts}[
        "bert-base: OpenVINO's copy of the weights"
    ]
    assert (found.count, found.bytes) == (3, 96 * MIB + int(1.4 * 4 * 109_484_547))
    assert "OpenVINO's copy of the weights" not in amounts(budget())
    assert "OpenVINO's copy of the weights" not in amounts(budget(server=replace(server, num_gpus=1)))


@pytest.mark.parametrize(("precision", "size"), [(Precision.BF16, 2), (Precision.FP16, 2)])
def test_another_precision_than_the_files_is_a_copy_for_each_worker(precision: Precision, size: int) -> None:
    found = amounts(budget(with_config(precision=precision), workers=2))
    assert "weights, shared" not in found
    assert found["a worker's copy of the weights"] == 109_484_547 * size


def test_a_half_precision_file_is_copied_on_a_cpu() -> None:
    found = amounts(budget(replace(BERT_BASE, weights={"F16": 100, "I64": 10})))
    assert found["a worker's copy of the weights"] == 400
    assert found["weights, shared"] == 80
