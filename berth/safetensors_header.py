"""The header of a safetensors file: the type and shape of every tensor, without reading one."""

import json
import struct
from dataclasses import dataclass
from typing import Any, BinaryIO

MAX_HEADER_BYTES = 100_000_000  # safetensors' own limit


@dataclass(frozen=True, slots=True)
class TensorEntry:
    """What the header says about one tensor."""

    dtype: str
    """safetensors' name of its type: `F32`."""
    shape: tuple[int, ...]
    end: int
    """Where its numbers end, in bytes behind the header."""
    begin: int
    """Where they begin."""


def read_header(file: BinaryIO, name: str) -> dict[str, TensorEntry]:
    """Every tensor by its name, from eight bytes of length, then JSON; the file then stands where the numbers begin.

    Raises ValueError when `name` holds something else.
    """
    try:
        (length,) = struct.unpack("<Q", file.read(8))
        if length > MAX_HEADER_BYTES:
            raise ValueError(f"{length} bytes are too many for a header")
        content = file.read(length)
        if len(content) < length:
            raise ValueError(f"its header would have {length} bytes, and {len(content)} are there")
        tensors = json.loads(content)
        tensors.pop("__metadata__", None)
        return {tensor: _entry(entry) for tensor, entry in tensors.items()}
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError, struct.error) as error:
        raise ValueError(f"{name} is not a safetensors file: {error}") from error


def _entry(entry: dict[str, Any]) -> TensorEntry:
    kind, shape = str(entry["dtype"]), tuple(map(int, entry["shape"]))
    begin, end = (int(entry["data_offsets"][place]) for place in (0, 1))
    return TensorEntry(dtype=kind, shape=shape, end=end, begin=begin)
