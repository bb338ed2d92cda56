"""The fastest matrix products that this machine does, in each precision that its CPU is fast in."""

import math
import time
from collections.abc import Callable, Mapping

import torch

from handler.precision import Precision, cpu_flags, fast_precisions

SHAPES = ((2048, 2048, 2048), (4096, 768, 3072), (1024, 384, 1536), (768, 3072, 768))
"""Rows, inner and columns: large ones, and those of BERT's and MiniLM's own layers, which fit a cache."""
REPEATS = 5
Product = Callable[[], object]


def measure_peaks() -> dict[str, float]:
    """GFLOP/s (for int8, giga-operations) by precision: the best of all shapes, with the threads that torch has."""
    found = {"fp32": _best(_fp32)}
    for precision in fast_precisions(cpu_flags()):
        found[str(precision)] = _best(MAKERS[precision])
    return found


def _fp32(rows: int, inner: int, columns: int) -> Product:
    left, right = torch.rand(rows, inner), torch.rand(inner, columns)
    return lambda: torch.mm(left, right)


def _bf16(rows: int, inner: int, columns: int) -> Product:
    left, right = (torch.rand(*shape, dtype=torch.bfloat16) for shape in ((rows, inner), (inner, columns)))
    return lambda: torch.mm(left, right)


def _int8(rows: int, inner: int, columns: int) -> Product:
    left = torch.randint(-127, 127, (rows, inner), dtype=torch.int8)
    right = torch.randint(-127, 127, (columns, inner), dtype=torch.int8).t()
    return lambda: torch._int_mm(left, right)


MAKERS: Mapping[Precision, Callable[[int, int, int], Product]] = {Precision.BF16: _bf16, Precision.INT8: _int8}


def _best(make: Callable[[int, int, int], Product]) -> float:
    return max(2 * math.prod(shape) / _fastest_s(make(*shape)) / 1e9 for shape in SHAPES)


def _fastest_s(product: Product) -> float:
    product()
    times_s = []
    for _ in range(REPEATS):
        start_s = time.perf_counter()
        product()
        times_s.append(time.perf_counter() - start_s)
    return min(times_s)
