"""Native inputs as the tensors of the Open Inference protocol, and its answers back. Pure."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, groupby
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Tensor:
    """One input tensor of BYTES, its elements flat."""

    name: str
    shape: list[int]
    data: list[Any]

    def as_json(self) -> dict[str, Any]:
        """As a REST request has it."""
        return {"name": self.name, "shape": self.shape, "datatype": "BYTES", "data": self.data}


def split(inputs: list[Any]) -> Iterator[list[Any]]:
    """Neighbours that fit into the same tensors: all have the same keys, and as many texts to rank."""
    if not inputs:
        yield []
    for _, group in groupby(inputs, key=_form):
        yield list(group)


def _form(source: Any) -> tuple[list[str], int]:
    keys = as_object(source)
    texts = keys.get("texts")
    return sorted(keys), len(texts) if isinstance(texts, list) else 0


def as_object(source: Any) -> dict[str, Any]:
    """An input by its keys."""
    return source if isinstance(source, dict) else {"text": source}


def to_tensors(inputs: list[Any]) -> list[Tensor]:
    """One tensor for each key, one row for each input; of no inputs an empty tensor."""
    rows = [as_object(source) for source in inputs]
    keys = list(rows[0]) if rows else ["text"]
    return [_to_tensor(key, [row[key] for row in rows]) for key in keys]


def _to_tensor(name: str, values: list[Any]) -> Tensor:
    if values and isinstance(values[0], list):
        return Tensor(name=name, shape=[len(values), len(values[0])], data=list(chain.from_iterable(values)))
    return Tensor(name=name, shape=[len(values)], data=values)


def read_rows(numbers: Sequence[float], shape: Sequence[int]) -> list[Any]:
    """Flat embeddings as one list for each input."""
    rows, dimensions = shape
    assert len(numbers) == rows * dimensions
    return [list(numbers[row * dimensions : (row + 1) * dimensions]) for row in range(rows)]


def read_texts(texts: Sequence[str | bytes], shape: Sequence[int]) -> list[Any]:
    """Results that stand as JSON in an output's elements."""
    assert list(shape) == [len(texts)]
    return [json.loads(text) for text in texts]


def read_output(output: dict[str, Any]) -> list[Any]:
    """The native results in the only output of a REST answer, or of one in its form."""
    assert list(output) == ["name", "datatype", "shape", "data"], output
    if output["datatype"] == "FP32":
        assert output["name"] == "embeddings"
        return read_rows(output["data"], output["shape"])
    assert output["datatype"] == "BYTES"
    assert output["name"] in ("predictions", "embeddings")  # embeddings: other vectors than dense ones
    return read_texts(output["data"], output["shape"])
