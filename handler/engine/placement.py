"""Which device a model runs on, in which precision, and how much at once."""

from dataclasses import dataclass
from typing import Self

import torch

from ..config import Device, HandlerConfig
from ..errors import DeviceError
from ..precision import Precision

DTYPES = {
    Precision.FP32: torch.float32,
    Precision.FP16: torch.float16,
    Precision.BF16: torch.bfloat16,
    Precision.INT8: torch.float32,  # of all but some matrices
}


def choose_device(wanted: Device, gpu_id: int | None) -> torch.device:
    """Choose by BERTH_DEVICE and the GPU that TorchServe gave this worker; DeviceError if torch cannot use it.

    A server that counts on a GPU is not to run on the CPU without a word: its launcher counts GPUs without torch.
    """
    if wanted is Device.CPU:
        return torch.device("cpu")
    if torch.cuda.is_available():
        return torch.device("cuda", gpu_id or 0)
    if wanted is Device.AUTO and gpu_id is None:
        return torch.device("cpu")
    given = "BERTH_DEVICE is cuda" if gpu_id is None else f"this worker was given GPU {gpu_id}"
    raise DeviceError(
        f"{given}, but torch sees none: check the driver (nvidia-smi; is it new enough for this torch?), that torch is "
        f"a CUDA build (this is {torch.__version__}), and in a cluster the device plugin and the limit nvidia.com/gpu; "
        "BERTH_DEVICE=cpu serves on the CPU"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Where and how a model runs, with all that its config left to the device decided."""

    device: torch.device
    precision: Precision
    token_budget: int
    """Most tokens that one forward pass sees."""

    @classmethod
    def choose(cls, config: HandlerConfig, device: torch.device) -> Self:
        """Take the config's own precision and token budget, or what suits the device best."""
        return cls(
            device=device,
            precision=config.precisions_on(device.type)[0],
            token_budget=config.token_budget_on(device.type),
        )

    @property
    def dtype(self) -> torch.dtype:
        """The type of weights and activations."""
        return DTYPES[self.precision]
