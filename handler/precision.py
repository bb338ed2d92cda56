"""The types that a model may compute in, which of them this machine's CPU is fast in, and which layers int8 knows."""

import re
from collections.abc import Collection
from enum import StrEnum
from functools import cache
from pathlib import Path


class Precision(StrEnum):
    """What the weights' type on the device may be.

    `auto`: bfloat16 on CUDA, float32 on a CPU. `fastest`: the same, but on a CPU the fastest of those that packing has
    proven. `int8`: the matrices of the encoder's layers, on a CPU alone; all else is float32.
    """

    AUTO = "auto"
    FASTEST = "fastest"
    FP32 = "fp32"
    FP16 = "fp16"
    BF16 = "bf16"
    INT8 = "int8"


ON_CUDA = {Precision.AUTO: Precision.BF16, Precision.FASTEST: Precision.BF16, Precision.INT8: Precision.BF16}
CPU_INFO = Path("/proc/cpuinfo")
LAYER = re.compile(r"(?:^|[._])layers?\.(\d+)\.")
"""A layer's number in a module's name: `encoder.layer.0.attention`, `layers.0.mlp`, `albert_layers.0.ffn`."""


@cache
def cpu_flags(file: Path = CPU_INFO) -> frozenset[str]:
    """Return what Linux says that the first CPU can do, by its names; nothing where it has no such line."""
    lines = file.read_text("utf-8").splitlines() if file.exists() else []
    flags = next((line.partition(":")[2] for line in lines if line.startswith("flags")), "")
    return frozenset(flags.split())


def fast_precisions(flags: Collection[str]) -> list[Precision]:
    """Return the precisions that a CPU computes faster than float32, the fastest first.

    VNNI's int8 takes a quarter of float32's time for a product of matrices, and its rounding takes some of that back.
    AMX is as fast in bfloat16, which needs none. An int8 product without VNNI may overflow: it is not taken there.
    AVX512_BF16 without AMX is no reason: there bfloat16 takes 1.8 times as long as float32 (docs/decisions/engine.md).
    """
    if "amx_bf16" in flags:
        return [Precision.BF16, Precision.INT8]
    return [Precision.INT8] if "avx512_vnni" in flags else []


def layer_number(name: str) -> int | None:
    """Return the number of the encoder's layer that a module or a tensor of this name belongs to; None outside them.

    ALBERT's layers are one module that is run again and again: it has one number.
    """
    found = LAYER.search(f"{name}.")
    return int(found[1]) if found else None
