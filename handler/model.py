"""Weights from the archive, on their device, and one forward pass. The only file that touches the device.

A model runs packed (handler.packing) or, where that is not proven right, padded (handler.padding); both give one
row of float32 numbers per text, so that nothing after this file knows which it was.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own convention
from torch import Tensor
from transformers import AutoModel, AutoModelForSequenceClassification

from .config import HandlerConfig, Pooling, Precision, Task
from .errors import DeviceError
from .packing import (
    ATTENTION_NAME,
    NUM_ROWS,
    PackedBatch,
    find_first_position,
    keep_first_tokens,
    pack_texts,
    register_attention,
    unpack_buffer,
)
from .padding import PaddedBatch, pad_texts
from .tokenization import EncodedText, Tokenizer

MODEL_CLASSES: dict[Task, Any] = {
    Task.EMBEDDINGS: AutoModel,
    Task.TEXT_CLASSIFICATION: AutoModelForSequenceClassification,
}
DTYPES = {Precision.FP32: torch.float32, Precision.FP16: torch.float16, Precision.BF16: torch.bfloat16}
AUTO_PRECISIONS = {"cpu": Precision.FP32, "cuda": Precision.BF16}
# CPU: 1024 to 4096 tokens are equally fast, more is slower (MiniLM, 2 cores of an AMD EPYC, 2026-11-22). CUDA: enough
# to keep a large card busy; TEI's max_batch_tokens has the same default.
TOKEN_BUDGETS = {"cpu": 4096, "cuda": 16384}


class Engine(StrEnum):
    """How texts of different lengths share a forward pass."""

    PACKED = "packed"
    PADDED = "padded"


def choose_device(wanted: str, gpu_id: int | None) -> torch.device:
    """BERTH_DEVICE and the GPU that TorchServe gave this worker -> device; DeviceError if a GPU was asked in vain."""
    if wanted == "cpu" or (wanted == "auto" and not torch.cuda.is_available()):
        return torch.device("cpu")
    if not torch.cuda.is_available():
        raise DeviceError(
            "BERTH_DEVICE is cuda, but torch sees no GPU: check the driver (nvidia-smi), that torch is a CUDA build "
            f"(this is {torch.__version__}), and in a cluster the device plugin and the limit nvidia.com/gpu"
        )
    return torch.device("cuda", gpu_id or 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Where and how a model runs, with all that its config left to the device decided."""

    device: torch.device
    precision: Precision
    token_budget: int
    """Most tokens that one forward pass sees."""

    @classmethod
    def choose(cls, config: HandlerConfig, device: torch.device) -> Self:
        """The config's own precision and token budget, or what suits the device."""
        return cls(
            device=device,
            precision=AUTO_PRECISIONS[device.type] if config.precision is Precision.AUTO else config.precision,
            token_budget=config.token_budget or max(TOKEN_BUDGETS[device.type], config.max_tokens),
        )

    @property
    def dtype(self) -> torch.dtype:
        """The weights' type."""
        return DTYPES[self.precision]


Batch = PackedBatch | PaddedBatch


class Model(Protocol):
    """A checkpoint on its device. Not thread-safe: a worker runs one batch at a time."""

    hf_config: Any
    """The checkpoint's own transformers config."""

    def batches(self, texts: Sequence[EncodedText]) -> Iterator[Batch]:
        """All texts in batches within the token budget; `batch.indices` says which texts a batch holds."""

    def forward(self, batch: Any) -> npt.NDArray[np.float32]:
        """One row per text of the batch [N, width]: a pooled vector, or the logits of the head."""


class PackedModel:
    """The engine of choice: no padding, one token stream."""

    def __init__(self, folder: Path, config: HandlerConfig, placement: Placement, tokenizer: Tokenizer) -> None:
        self._config = config
        self._placement = placement
        self._has_token_types = tokenizer.has_token_types
        register_attention(placement.device, placement.dtype)
        self._model = load_weights(folder, config.task, ATTENTION_NAME, placement)
        if config.task is not Task.EMBEDDINGS:
            self._model.base_model.register_forward_hook(keep_first_tokens, with_kwargs=True)
        self._first_position = find_first_position(self._model)
        self._staging = pinned_staging(placement)
        self.hf_config: Any = self._model.config

    def batches(self, texts: Sequence[EncodedText]) -> Iterator[PackedBatch]:
        return pack_texts(texts, self._placement.token_budget, self._first_position)

    @torch.inference_mode()
    def forward(self, batch: PackedBatch) -> npt.NDArray[np.float32]:
        buffer = self._to_device(batch.buffer)
        ids, positions, type_ids, bounds = unpack_buffer(buffer, batch)
        types = {"token_type_ids": type_ids} if self._has_token_types else {}
        output = self._model(input_ids=ids, position_ids=positions, text_bounds=bounds, **types)
        if self._config.task is not Task.EMBEDDINGS:
            return to_numpy(output.logits)
        lengths = bounds.offsets.diff()
        return to_numpy(pool_tokens(output.last_hidden_state[0], lengths, self._config))

    def _to_device(self, buffer: npt.NDArray[np.int64]) -> Tensor:
        """One copy per batch, through pinned memory where there is a device to copy to."""
        if self._staging is None:
            return torch.from_numpy(buffer)
        staged = self._staging[: buffer.size]
        staged.numpy()[:] = buffer
        return staged.to(self._placement.device, non_blocking=True)


class PaddedModel:
    """The fallback: transformers' own attention on padded batches."""

    def __init__(self, folder: Path, config: HandlerConfig, placement: Placement, tokenizer: Tokenizer) -> None:
        self._config = config
        self._placement = placement
        self._tokenizer = tokenizer
        self._model = load_weights(folder, config.task, "sdpa", placement)
        self.hf_config: Any = self._model.config

    def batches(self, texts: Sequence[EncodedText]) -> Iterator[PaddedBatch]:
        return pad_texts(texts, self._placement.token_budget, self._tokenizer.pad_token_id)

    @torch.inference_mode()
    def forward(self, batch: PaddedBatch) -> npt.NDArray[np.float32]:
        device = self._placement.device
        ids, mask = batch.ids.to(device), batch.mask.to(device)
        types = {"token_type_ids": batch.type_ids.to(device)} if self._tokenizer.has_token_types else {}
        output = self._model(input_ids=ids, attention_mask=mask, **types)
        if self._config.task is not Task.EMBEDDINGS:
            return to_numpy(output.logits)
        return to_numpy(pool_tokens(output.last_hidden_state[mask.bool()], mask.sum(1), self._config))


MODELS: dict[Engine, Callable[[Path, HandlerConfig, Placement, Tokenizer], Model]] = {
    Engine.PACKED: PackedModel,
    Engine.PADDED: PaddedModel,
}


def load_weights(folder: Path, task: Task, attention: str, placement: Placement) -> Any:
    """transformers' own class with the checkpoint's safetensors; memory-mapped, so that workers share the pages."""
    model = MODEL_CLASSES[task].from_pretrained(
        folder,
        attn_implementation=attention,
        dtype=placement.dtype,
        local_files_only=True,
        use_safetensors=True,
        trust_remote_code=False,
    )
    return model.eval().to(placement.device)


def pinned_staging(placement: Placement) -> Tensor | None:
    """Page-locked memory for the largest PackedBatch.buffer; None on a CPU, where nothing is copied."""
    if placement.device.type != "cuda":
        return None
    largest = (NUM_ROWS + 1) * placement.token_budget + 1  # as many texts as tokens, at the most
    return torch.empty(largest, dtype=torch.int64, pin_memory=True)


def pool_tokens(states: Tensor, lengths: Tensor, config: HandlerConfig) -> Tensor:
    """Token vectors [T, H] of texts with these lengths [N] -> text vectors [N, H] float32, as sentence-transformers."""
    if config.pooling is Pooling.CLS:
        vectors = states[lengths.cumsum(0) - lengths].float()
    else:
        vectors = torch.segment_reduce(states.float(), "mean", lengths=lengths.long(), unsafe=True)
    return F.normalize(vectors, dim=1) if config.normalize else vectors


def to_numpy(rows: Tensor) -> npt.NDArray[np.float32]:
    """Device rows [N, width] of any precision -> float32 in host memory; waits for the device."""
    values: npt.NDArray[np.float32] = rows.float().cpu().numpy()
    return values
