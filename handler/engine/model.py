"""Weights from the archive, on their device, and one forward pass. Predictions are made here and nowhere else.

A model runs packed (packing.py) or, where that is not proven right, padded (padding.py); both give float32 numbers per
text, so that nothing after this file knows which it was.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ..config import HandlerConfig
from ..tasks.kind import Row
from ..text.encoded import EncodedText
from ..text.tokenization import Tokenizer
from ..vectors.static import STATIC
from ..worker.startup import without_compiler
from .attention import ATTENTION_NAME, register_attention
from .heads.adapters import Adapters, attach_adapters, reading
from .heads.shells import attach_heads
from .layers.short import shorten_layers
from .packing import (
    NUM_ROWS,
    PackedBatch,
    TextBounds,
    bound_rows,
    find_first_position,
    pack_texts,
    unpack_buffer,
)
from .padding import PaddedBatch, pad_texts
from .placement import Placement
from .readout import make_readout, to_numpy
from .readouts.base import Readout, Seen
from .relative.adapt import read_streams
from .static.model import StaticModel


class Engine(StrEnum):
    """The ways in which texts of different lengths share a forward pass."""

    PACKED = "packed"
    PADDED = "padded"
    STATIC = "static"
    """No pass at all: rows of a table (static/)."""


OF_TRANSFORMERS = (Engine.PACKED, Engine.PADDED)
"""In the order in which they are tried."""
Batch = PackedBatch | PaddedBatch
# A config.json may hold what a training script wanted returned; the first is refused with attention of our own.
RETURNED = {"output_attentions": False, "output_hidden_states": False, "return_dict": True}


class Model(Protocol):
    """A checkpoint on its device. Not thread-safe: a worker runs one batch at a time."""

    network: Any
    """transformers' own model; asked without text_bounds it takes rows of equal length, as transformers does."""
    vector_size: int
    """Numbers of a text's vector; 0 where the task reads no vector."""
    adapters: Adapters | None
    """What texts of some heads are read with; None where no head has any."""
    notes: Mapping[str, object]
    """What is to be said of how it runs, for describe."""

    def batches(self, texts: Sequence[EncodedText], token_budget: int) -> Iterator[Batch]:
        """Yield all texts in batches within the token budget; `batch.indices` says which texts a batch holds."""

    def forward(self, batch: Any) -> list[Row]:
        """Return what the model says of each text of the batch: a pooled vector, or logits."""


class PackedModel:
    """The engine of choice: no padding, one token stream."""

    notes: Mapping[str, object] = MappingProxyType({})

    def __init__(self, folder: Path, config: HandlerConfig, placement: Placement, tokenizer: Tokenizer) -> None:
        self.placement = placement
        self._has_token_types = tokenizer.has_token_types
        register_attention(placement.device, placement.dtype)
        self.readout = make_readout(folder, config, placement, tokenizer)
        self.network: Any = load_weights(folder, self.readout, ATTENTION_NAME, placement)
        self.adapters = attach_adapters(self.network, folder, config, placement)
        if placement.device.type == "cpu":
            read_streams(self.network)  # by a call for each text; on a GPU padding is faster
            shorten_layers(self.network)
        self.readout.attach(self.network)
        attach_heads(self.network, folder, config, self.readout.auto_class, placement)
        self.vector_size = self.readout.vector_size
        self._first_position = find_first_position(self.network)
        self._staging = pinned_staging(placement)

    def batches(self, texts: Sequence[EncodedText], token_budget: int) -> Iterator[PackedBatch]:
        costs = [self.readout.cost(text) for text in texts]
        return pack_texts(texts, costs, token_budget, self._first_position)

    @torch.inference_mode()
    def forward(self, batch: PackedBatch) -> list[Row]:
        stream, bounds = unpack_buffer(self._to_device(batch.buffer), batch)
        with reading(self.adapters, batch.texts, batch.lengths):
            return self.finish(self.compute(stream, bounds), batch.texts)

    def finish(self, rows: Tensor, texts: Sequence[EncodedText]) -> list[Row]:
        """Rows of a pass [R, width] -> those of each text in host memory."""
        numbers = to_numpy(self.readout.choose(rows, texts, len(texts)))
        if len(numbers) != self.readout.num_rows(texts):
            raise NotImplementedError("it ignores the attention that it is given, and reads all texts as one")
        return self.readout.split(numbers, texts)

    def compute(self, stream: Tensor, bounds: TextBounds) -> Tensor:
        """Ids, positions and type ids [3, 1, T] -> rows of numbers [R, width] on the device. It waits for no device."""
        return self.readout.read(self.ask(stream, bounds), Seen(bounds=bounds))

    def ask(self, stream: Tensor, bounds: TextBounds | None) -> Any:
        """Return transformers' own output for such a stream; bounds None: it is one text."""
        ids, positions, type_ids = stream.unbind()
        types = {"token_type_ids": type_ids} if self._has_token_types else {}
        return self.network(input_ids=ids, position_ids=positions, text_bounds=bounds, **types)

    def _to_device(self, buffer: npt.NDArray[np.int64]) -> Tensor:
        """Copy a batch once, through pinned memory where there is a device to copy to."""
        if self._staging is None:
            return torch.from_numpy(buffer)
        staged = self._staging[: buffer.size]
        staged.numpy()[:] = buffer
        return staged.to(self.placement.device, non_blocking=True)


class PaddedModel:
    """The fallback: transformers' own attention on padded batches."""

    notes: Mapping[str, object] = MappingProxyType({})

    def __init__(self, folder: Path, config: HandlerConfig, placement: Placement, tokenizer: Tokenizer) -> None:
        self._placement = placement
        self._tokenizer = tokenizer
        self._readout = make_readout(folder, config, placement, tokenizer)
        self.network: Any = load_weights(folder, self._readout, None, placement)
        self.adapters = attach_adapters(self.network, folder, config, placement)
        self._readout.attach(self.network)
        attach_heads(self.network, folder, config, self._readout.auto_class, placement)
        self.vector_size = self._readout.vector_size

    def batches(self, texts: Sequence[EncodedText], token_budget: int) -> Iterator[PaddedBatch]:
        costs = [self._readout.cost(text) for text in texts]
        pad_id, in_order = self._tokenizer.pad_token_id, self._readout.is_large
        return pad_texts(texts, costs, token_budget, pad_id, in_order=in_order)

    @torch.inference_mode()
    def forward(self, batch: PaddedBatch) -> list[Row]:
        device = self._placement.device
        ids, mask, seen = (each.to(device) for each in (batch.ids, batch.mask, batch.seen))
        types = {"token_type_ids": batch.type_ids.to(device)} if self._tokenizer.has_token_types else {}
        with reading(self.adapters, batch.texts, [ids.shape[1]] * len(batch.texts)):
            output = self.network(input_ids=ids, attention_mask=seen, **types)
        bounds = bound_rows([text.num_tokens for text in batch.texts], device)
        rows = self._readout.read(output, Seen(bounds=bounds, mask=mask.bool()))
        numbers = to_numpy(self._readout.choose(rows, batch.texts, len(batch.texts)))
        return self._readout.split(numbers, batch.texts)


MODELS: dict[Engine, Callable[[Path, HandlerConfig, Placement, Tokenizer], Model]] = {
    Engine.PACKED: PackedModel,
    Engine.PADDED: PaddedModel,
    Engine.STATIC: StaticModel,
}


def engines_of(folder: Path) -> tuple[Engine, ...]:
    """Which engines the checkpoint in `folder` may run in, the best first."""
    is_static = json.loads((folder / "config.json").read_bytes()).get("model_type") == STATIC
    return (Engine.STATIC,) if is_static else OF_TRANSFORMERS


def load_weights(folder: Path, readout: Readout, attention: str | None, placement: Placement) -> Any:
    """Load transformers' own class with the checkpoint's safetensors; memory-mapped, so that workers share the pages.

    `attention`: an implementation by name; None for the best that transformers has for this model.
    """
    with without_compiler():
        network = readout.auto_class.from_pretrained(
            folder,
            attn_implementation=attention,
            dtype=placement.dtype,
            local_files_only=True,
            use_safetensors=True,
            trust_remote_code=False,
            **RETURNED,
        )
    if getattr(network.config, "use_cache", False):
        network.config.use_cache = False  # a decoder would keep keys and values for the tokens that it writes next
    return network.eval().requires_grad_(requires_grad=False).to(placement.device)


def pinned_staging(placement: Placement) -> Tensor | None:
    """Allocate page-locked memory for the largest PackedBatch.buffer; None on a CPU, where nothing is copied."""
    if placement.device.type != "cuda":
        return None
    largest = (NUM_ROWS + 1) * placement.token_budget + 1  # as many texts as tokens, at the most
    return torch.empty(largest, dtype=torch.int64, pin_memory=True)
