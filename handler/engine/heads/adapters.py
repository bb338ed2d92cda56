"""LoRA adapters on one encoder, unmerged: each text of a batch is read with its own, or with none.

A linear layer's output of a text is W x + scale * B (A x) (arxiv.org/abs/2106.09685); W x is computed for all texts at
once, and the other term for each run of texts with one adapter. peft's files are read as they are: scale is lora_alpha
over the rank, or over its root (use_rslora).
"""

import json
import math
import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from itertools import groupby
from pathlib import Path
from typing import Any

from safetensors.torch import load_file
from torch import Tensor, nn

from ...config import HandlerConfig
from ...tasks.heads import ADAPTER_CONFIG, ADAPTER_WEIGHTS, adapter_number, head_folder
from ...text.encoded import EncodedText
from ..placement import Placement

PREFIX, A, B = "base_model.model.", ".lora_A.weight", ".lora_B.weight"  # of peft's names
Run = tuple[int, int]
"""An adapter's number, 0 for none, and how many rows of a linear layer's input it is for."""


class Adapters:
    """All adapters of a network, and which of them its texts are read with, for each thread on its own."""

    def __init__(self) -> None:
        self._of_thread = threading.local()

    @property
    def runs(self) -> Sequence[Run]:
        """What the pass on this thread is made of; empty where no text has an adapter."""
        runs: Sequence[Run] = getattr(self._of_thread, "runs", ())
        return runs

    @contextmanager
    def reading(self, numbers: Sequence[int], lengths: Sequence[int]) -> Iterator[None]:
        """Have this thread's pass read texts with these adapters; `lengths`: rows of each, with its padding."""
        texts = zip(numbers, lengths, strict=True)
        groups = [(number, sum(rows for _, rows in group)) for number, group in groupby(texts, lambda text: text[0])]
        self._of_thread.runs = groups if any(numbers) else ()
        try:
            yield
        finally:
            self._of_thread.runs = ()


def reading(
    adapters: Adapters | None, texts: Sequence[EncodedText], lengths: Sequence[int]
) -> AbstractContextManager[None]:
    """Have this thread's pass read texts with the adapters that they name; see Adapters.reading."""
    return nullcontext() if adapters is None else adapters.reading([text.adapter for text in texts], lengths)


class AdaptedLinear(nn.Module):
    """A linear layer, and what adapters add to its output."""

    def __init__(self, linear: nn.Linear, adapters: Adapters) -> None:
        super().__init__()
        self.linear = linear
        self._adapters = adapters
        self._matrices: dict[int, tuple[Tensor, Tensor, float]] = {}

    def add(self, number: int, a: Tensor, b: Tensor, scale: float) -> None:
        """Take an adapter's matrices A [rank, in] and B [out, rank], as they lie in the file."""
        self._matrices[number] = a.t(), b.t(), scale

    def forward(self, inputs: Tensor) -> Tensor:
        """[..., in] -> [..., out]."""
        outputs: Tensor = self.linear(inputs)
        if not (runs := self._adapters.runs):
            return outputs
        rows, added = inputs.reshape(-1, inputs.shape[-1]), outputs.view(-1, outputs.shape[-1])
        if len(runs) == 1:
            runs = [(runs[0][0], len(rows))]  # an explanation repeats its text
        if sum(length for _, length in runs) != len(rows):
            raise NotImplementedError("it reads something else than its texts through a layer that has adapters")
        begin = 0
        for number, length in runs:
            if matrices := self._matrices.get(number):
                a, b, scale = matrices
                part = slice(begin, begin + length)
                added[part] += (rows[part] @ a).mul(scale) @ b
            begin += length
        return outputs


def attach_adapters(network: Any, checkpoint: Path, config: HandlerConfig, placement: Placement) -> Adapters | None:
    """Put the adapters of all heads into the network's linear layers; None where no head has one."""
    numbers = {name: adapter_number(checkpoint, config, name) for name in config.heads}
    adapters = Adapters()
    for name, number in numbers.items():
        if number:
            _attach(network, head_folder(checkpoint, name), number, adapters, placement)
    return adapters if any(numbers.values()) else None


def _attach(network: Any, folder: Path, number: int, adapters: Adapters, placement: Placement) -> None:
    settings = json.loads((folder / ADAPTER_CONFIG).read_text("utf-8"))
    weights = load_file(folder / ADAPTER_WEIGHTS)
    encoder = f"{network.base_model_prefix}."
    for key in weights:
        layer = key.removeprefix(PREFIX).removesuffix(A)
        if key.endswith(A) and layer.startswith(encoder) and not layer.startswith(f"{encoder}pooler"):
            a, b = (weights[name].to(placement.device, placement.dtype) for name in (key, f"{PREFIX}{layer}{B}"))
            _adapted(network, layer, adapters).add(number, a, b, _scale(settings, rank=len(a)))


def _scale(settings: dict[str, Any], rank: int) -> float:
    """What peft multiplies an adapter's product with (peft 0.21, tuners/lora/layer.py)."""
    alpha = float(settings["lora_alpha"])
    return alpha / math.sqrt(rank) if settings.get("use_rslora") else alpha / rank


def _adapted(network: Any, layer: str, adapters: Adapters) -> AdaptedLinear:
    """The layer of this name, made able to take adapters."""
    module = network.get_submodule(layer)
    if not isinstance(module, AdaptedLinear):
        module = AdaptedLinear(module, adapters)
        parent, _, own = layer.rpartition(".")
        setattr(network.get_submodule(parent), own, module)
    return module
