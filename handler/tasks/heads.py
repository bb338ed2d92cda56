"""The heads of a model: each has labels of its own, and its columns in the rows that all heads share. No torch.

A row has the logits of all heads side by side, so that a text that several requests send to several heads is read once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec
from transformers import AutoConfig

from ..config import HandlerConfig
from ..errors import RequestError
from ..parameters import Parameters
from ..text.tokenization import Encoded
from .kind import Head, Reading, TaskKind
from .scores import labels_of

HEADS = "heads"
"""The folder in the checkpoint's with one for each further head."""
ADAPTER_CONFIG, ADAPTER_WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
"""peft's files, in the folder of a head that is a LoRA."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedHead:
    """One head, as the archive packed it."""

    hf_config: Any
    """transformers' config of the checkpoint that it came from: labels and problem_type."""
    head: Head[Any]
    labels: list[str] = field(default_factory=list)
    columns: slice | None = None
    """Its own logits in a row; None where a row has no other."""
    adapter: int = 0
    """The number of the adapter that its texts are read with; 0: none."""

    def adapt(self, encoded: Encoded) -> Encoded:
        """Return what the model reads for an input, marked with this head's adapter."""
        if not self.adapter or isinstance(encoded, RequestError):
            return encoded
        return [msgspec.structs.replace(text, adapter=self.adapter) for text in encoded]

    def read(self, reading: Reading) -> Reading:
        """Return the reading with this head's own rows."""
        if self.columns is None:
            return reading
        return msgspec.structs.replace(reading, rows=[row[..., self.columns] for row in reading.rows])


@dataclass(frozen=True, slots=True, kw_only=True)
class Heads:
    """All heads of a model."""

    default: NamedHead
    """The first, which answers where a request names none."""
    named: Mapping[str, NamedHead]
    """All heads where there are several, the default too; else empty."""

    def of(self, parameters: Parameters) -> NamedHead:
        """Return the head that a request names; KeyError for one that handler.parameters.choose_head refuses."""
        return self.default if parameters.head is None else self.named[parameters.head]


def head_folder(checkpoint: Path, name: str) -> Path:
    """Return the folder of a further head's own config and weights."""
    return checkpoint / HEADS / name


def adapter_number(checkpoint: Path, config: HandlerConfig, name: str) -> int:
    """Return the number of a head's adapter among those of all heads, from 1; 0 where it has none."""
    is_adapted = (head_folder(checkpoint, name) / ADAPTER_CONFIG).is_file()
    return config.heads.index(name) + 1 if is_adapted else 0


def head_configs(checkpoint: Path, own: Any, names: Sequence[str]) -> list[Any]:
    """Return transformers' config of each head, in order; the first is the checkpoint's `own`."""
    settings = {"local_files_only": True, "trust_remote_code": False}
    others = (AutoConfig.from_pretrained(head_folder(checkpoint, name), **settings) for name in names[1:])
    return [own, *others]


def make_heads(kind: TaskKind[Any], checkpoint: Path, own: Any, tokenizer: Any, config: HandlerConfig) -> Heads:
    """Make all heads of the checkpoint in this folder, whose transformers config is `own`."""
    if not config.heads:
        return Heads(default=_make(kind, own, tokenizer, config), named={})
    named, first = {}, 0
    for name, each in zip(config.heads, head_configs(checkpoint, own, config.heads), strict=True):
        own_part = replace(_make(kind, each, tokenizer, config), columns=slice(first, first + each.num_labels))
        named[name] = replace(own_part, adapter=adapter_number(checkpoint, config, name))
        first += each.num_labels
    return Heads(default=named[config.heads[0]], named=named)


def _make(kind: TaskKind[Any], hf_config: Any, tokenizer: Any, config: HandlerConfig) -> NamedHead:
    return NamedHead(
        hf_config=hf_config,
        head=kind.make_head(hf_config, tokenizer, config),
        labels=labels_of(hf_config) if kind.is_labelled else [],
    )
