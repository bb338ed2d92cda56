"""A lone short text's forward pass by OpenVINO, which takes half or a third of the time of torch's operators.

It reads the very weights of the model that is loaded and keeps a copy of its matrices, laid out for its own products.
Only BERT's own layers (layers/short.py) are taken: nothing in them depends on a text's length, so what is compiled
from one text is right for all. The known answers prove it at each load.
"""

import importlib
import logging
import sys
import warnings
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn

from ...errors import ConfigError
from ...tasks.kind import Row
from ...text.encoded import EncodedText
from ..layers.short import ShortLayer
from ..model import PackedModel
from ..packing import NUM_ROWS, PackedBatch, unpack_buffer
from ..readouts.base import Seen

logger = logging.getLogger(__name__)

# Tokens. Two cores of an AMD EPYC with AVX2, 2026-11-29 (`python -m bench.precision.lone`).
MOST_TOKENS = 128
NUM_EXAMPLE_TOKENS = 16
OUTPUTS = ("last_hidden_state", "logits", "start_logits", "end_logits")
"""What readouts read of transformers' outputs."""
SETTINGS = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
TELEMETRY = "openvino_telemetry"
"""OpenVINO's package that tells its makers of each import and conversion. A worker tells nobody."""
NOT_INSTALLED = (
    "BERTH_LONE_TEXTS is openvino, and the workers' Python has no such package: `pip install 'berth[openvino]'`, or "
    "leave the variable out"
)


class NotCompiled(Exception):
    """Why torch reads this model's lone texts as well."""


class LonePass:
    """One text's way through the network. Not thread-safe."""

    def __init__(self, model: PackedModel) -> None:
        """Convert the model's network: seconds. Raises ConfigError without OpenVINO."""
        self._model = model
        self._names, self._converted = _convert(model)
        self._threads = 0
        self._request: Any = None

    def holds(self, batch: PackedBatch) -> bool:
        """Whether it is such a text."""
        return len(batch.texts) == 1 and _is_read(batch.texts[0])

    @torch.inference_mode()
    def forward(self, batch: PackedBatch) -> list[Row]:
        """As PackedModel.forward, of one text."""
        stream, bounds = unpack_buffer(torch.from_numpy(batch.buffer), batch)
        found = self._compiled().infer(stream.numpy())
        tensors = {name: torch.from_numpy(found[place]) for place, name in enumerate(self._names)}
        rows = self._model.readout.read(SimpleNamespace(**tensors), Seen(bounds=bounds))
        return self._model.finish(rows, batch.texts)

    def _compiled(self) -> Any:
        """The network for as many threads as torch has: they become fewer with each sibling worker."""
        if self._threads != torch.get_num_threads():
            self._threads = torch.get_num_threads()
            settings = {**SETTINGS, "INFERENCE_NUM_THREADS": self._threads}
            self._request = (
                import_openvino().Core().compile_model(self._converted, "CPU", settings).create_infer_request()
            )
        return self._request


class _Network(nn.Module):
    """The model's network as OpenVINO is to see it: a stream [3, 1, T] of one text -> tensors."""

    def __init__(self, model: PackedModel) -> None:
        super().__init__()
        self.network = model.network
        self._ask = model.ask

    def forward(self, stream: Tensor) -> tuple[Tensor, ...]:
        output = self._ask(stream, None)
        return tuple(output[name] for name in _names(output))


def compile_lone(model: PackedModel, texts: Sequence[EncodedText], tolerance: float) -> LonePass:
    """Return a pass that gives the model's own rows for those of `texts` that it would read, within `tolerance`.

    Raises NotCompiled where there is none, ConfigError where OpenVINO is not installed.
    """
    if model.adapters is not None:
        raise NotCompiled("its texts have adapters of their own")
    if not any(isinstance(module, ShortLayer) for module in model.network.modules()):
        raise NotCompiled("its layers are not BERT's own")
    import_openvino()  # what is missing is said, and not taken for a model that it cannot compile
    try:
        lone = LonePass(model)
        difference = max((_difference(lone, model, text) for text in texts if _is_read(text)), default=None)
    except Exception as error:  # whatever it is, torch reads these texts
        raise NotCompiled(f"{type(error).__name__}: {str(error).partition(chr(10))[0]}") from error
    if difference is None:
        raise NotCompiled("no known text is one that it would read: a short one, with every token seen by the others")
    if not difference <= tolerance:
        raise NotCompiled(f"it gives other answers: the difference is {difference:.2g}")
    return lone


def import_openvino() -> Any:
    """The package, which is imported only where somebody asked for it; ConfigError where it is not installed."""
    sys.modules.setdefault(TELEMETRY, None)  # type: ignore[arg-type] # makes its import fail, which OpenVINO expects
    try:
        return importlib.import_module("openvino")
    except ImportError as error:
        raise ConfigError(NOT_INSTALLED) from error


def _convert(model: PackedModel) -> tuple[list[str], Any]:
    """Return the names of what the network gives, and OpenVINO's form of it."""
    openvino = import_openvino()
    example = torch.arange(NUM_ROWS * NUM_EXAMPLE_TOKENS).view(NUM_ROWS, 1, -1) % 2
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a trace's usual dangers; its answers are compared
        names = _names(model.ask(example, None))
        converted = openvino.convert_model(_Network(model), example_input=example)
    return names, converted


def _names(output: Any) -> list[str]:
    return [name for name in OUTPUTS if name in output]


def _is_read(text: EncodedText) -> bool:
    """Whether such a text is read: a short one, of which every token sees every other."""
    return text.num_tokens <= MOST_TOKENS and not text.num_hidden


def _difference(lone: LonePass, model: PackedModel, text: EncodedText) -> float:
    """The largest difference of any number of this text's rows."""
    (batch,) = model.batches([text], MOST_TOKENS * 2)
    pairs = zip(lone.forward(batch), model.forward(batch), strict=True)
    return max(float(abs(own - right).max(initial=0.0)) for own, right in pairs)
