"""A model's weights in memory: mapped and shared, or each worker's own copy. Pure."""

from handler.config import HandlerConfig, Task
from handler.precision import Precision

from ..machine.quantities import MIB
from .model_size import ModelSize

DTYPE_BYTES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1}
PRECISIONS = {Precision.FP32: "F32", Precision.FP16: "F16", Precision.BF16: "BF16", Precision.INT8: "F32"}
INT8_BYTES = 1  # of a number of the matrices, beside the mapped file
OPENVINO_BYTES = 96 * MIB  # the package and its threads
OPENVINO_FACTOR = 1.4  # of the weights in fp32: the matrices as it multiplies them, and what it multiplies with them
FLOATS = frozenset({"F64", "F32", "F16", "BF16"})


def weight_bytes(size: ModelSize, device: str, workers: int) -> tuple[int, int]:
    """Bytes mapped from the file and shared between workers, and bytes of each worker's own copy.

    In the worst of the precisions that a worker may choose.
    """
    if device != "cpu":
        return 0, 0
    each_precision = [_weights_in(size, each) for each in precisions_on_any_cpu(size)]
    return max(each_precision, key=lambda found: found[0] + workers * found[1])


def precisions_on_any_cpu(size: ModelSize) -> list[Precision]:
    """What may be chosen, whatever the CPU: `berth budget` counts for other machines than its own."""
    config = config_of(size)
    return [*config.precisions_on("cpu", ()), *map(Precision, config.cpu_precisions)]


def _weights_in(size: ModelSize, precision: Precision) -> tuple[int, int]:
    wanted = PRECISIONS[precision]
    copied = [kind for kind in size.weights if kind in FLOATS and kind != wanted]
    private = sum(size.weights[kind] for kind in copied) * DTYPE_BYTES[wanted]
    private += sum(size.weights.values()) * INT8_BYTES if precision is Precision.INT8 else 0
    shared = sum(count * DTYPE_BYTES.get(kind, 8) for kind, count in size.weights.items() if kind not in copied)
    return shared, private


def openvino_bytes(size: ModelSize) -> int:
    """Bytes of what reads a worker's lone texts, where that is OpenVINO."""
    return OPENVINO_BYTES + int(OPENVINO_FACTOR * DTYPE_BYTES["F32"] * sum(size.weights.values()))


def config_of(size: ModelSize) -> HandlerConfig:
    """The model's settings. A handler that is not berth's own has none that we know: it is taken for a small model."""
    return size.config or HandlerConfig(task=Task.TEXT_CLASSIFICATION, max_tokens=512)
