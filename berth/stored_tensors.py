"""Tensors as they lie in safetensors files: compared and copied byte for byte, and never read as numbers."""

import json
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from .safetensors_header import TensorEntry, read_header

ALIGNED_BYTES = 8  # safetensors' own: the header ends at a multiple


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """One tensor of a file."""

    file: Path
    entry: TensorEntry
    numbers_at: int
    """Where the numbers of all tensors begin, in bytes of the file."""

    @property
    def num_bytes(self) -> int:
        """Bytes of its numbers."""
        return self.entry.end - self.entry.begin

    def read(self) -> bytes:
        """Its numbers' bytes."""
        with self.file.open("rb") as file:
            file.seek(self.numbers_at + self.entry.begin)
            return file.read(self.num_bytes)

    def is_as(self, other: "Stored") -> bool:
        """Whether it has the type, the shape and every byte of another."""
        is_alike = (self.entry.dtype, self.entry.shape) == (other.entry.dtype, other.entry.shape)
        return is_alike and self.read() == other.read()


def stored_tensors(files: Iterable[Path]) -> dict[str, Stored]:
    """Every tensor of these files, by its name as transformers writes it today."""
    found: dict[str, Stored] = {}
    for path in files:
        with path.open("rb") as file:
            entries = read_header(file, str(path))
            numbers_at = file.tell()
        for name, entry in entries.items():
            found[_todays_name(name)] = Stored(file=path, entry=entry, numbers_at=numbers_at)
    return found


def _todays_name(name: str) -> str:
    """Rename as transformers does for checkpoints of 2018, which have TensorFlow's names of a LayerNorm's vectors."""
    return name.replace("LayerNorm.gamma", "LayerNorm.weight").replace("LayerNorm.beta", "LayerNorm.bias")


def write_safetensors(tensors: Mapping[str, Stored], path: Path) -> Path:
    """Write a file of these tensors, sorted by name: equal tensors make equal bytes."""
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    begin = 0
    for name in sorted(tensors):
        entry, end = tensors[name].entry, begin + tensors[name].num_bytes
        header[name] = {"dtype": entry.dtype, "shape": entry.shape, "data_offsets": [begin, end]}
        begin = end
    written = json.dumps(header, separators=(",", ":")).encode()
    written += b" " * (-len(written) % ALIGNED_BYTES)
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(written)) + written)
        for name in sorted(tensors):
            file.write(tensors[name].read())
    return path
