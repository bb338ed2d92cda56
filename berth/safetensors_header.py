"""The header of a safetensors file: the type and shape of every tensor, without reading one."""

import json
import struct
from dataclasses import dataclass
from typing import BinaryIO

MAX_HEADER_BYTES = 100_000_000  # safetensors' own limit


@dataclass(frozen=True, slots=True)
class TensorEntry:
    """What the header says about one tensor."""

    dtype: str
    """safetensors' name of its type: `F32`."""
    shape: tuple[int, ...]


def read_header(file: BinaryIO, name: str) -> dict[str, TensorEntry]:
    """Every tensor by its name, from eight bytes of length, then JSON; ValueError when `name` holds something else."""
    try:
        (length,) = struct.unpack("<Q", file.read(8))
        if length > MAX_HEADER_BYTES:
            raise ValueError(f"{length} bytes are too many for a header")
        tensors = json.loads(file.read(length))
        tensors.pop("__metadata__", None)
        return {tensor: TensorEntry(entry["dtype"], tuple(entry["shape"])) for tensor, entry in tensors.items()}
    except (ValueError, KeyError, TypeError, AttributeError, struct.error) as error:
        raise ValueError(f"{name} is not a safetensors file: {error}") from error
