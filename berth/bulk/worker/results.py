"""The column `result`: its Arrow type, read off the answer to the archive's own first input, and its values."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import orjson
import pyarrow as pa

SCORE = pa.float64()
LABEL = pa.struct([("label", pa.string()), ("score", SCORE)])
ANSWER = pa.struct([("score", SCORE), ("start", pa.int32()), ("end", pa.int32()), ("answer", pa.string())])
PLACE = [("word", pa.string()), ("start", pa.int32()), ("end", pa.int32())]
TOKEN = pa.struct([("entity", pa.string()), ("score", SCORE), ("index", pa.int32()), *PLACE])
ENTITY = pa.struct([("entity_group", pa.string()), ("score", SCORE), *PLACE])
WORD = pa.struct([("score", SCORE), ("token", pa.int32()), ("token_str", pa.string()), ("sequence", pa.string())])
RANKED = pa.struct([("index", pa.int32()), ("score", SCORE)])
LABELS = pa.struct([("labels", pa.list_(pa.string())), ("scores", pa.list_(SCORE))])


def _label_type(value: object, _: Mapping[str, Any]) -> Any:
    return pa.list_(LABEL) if isinstance(value, list) else LABEL


def _token_type(_: object, parameters: Mapping[str, Any]) -> Any:
    strategy = parameters.get("aggregation_strategy") or "none"
    return pa.list_(TOKEN if strategy == "none" else ENTITY)


TYPES: Mapping[str, Callable[[object, Mapping[str, Any]], Any]] = {
    "text-classification": _label_type,
    "token-classification": _token_type,
    "question-answering": lambda _, parameters: pa.list_(ANSWER) if parameters.get("top_k", 1) != 1 else ANSWER,
    "fill-mask": lambda *_: pa.list_(pa.list_(WORD)),
    "text-ranking": lambda *_: pa.list_(RANKED),
    "zero-shot-classification": lambda *_: LABELS,
    "zero-shot-token-classification": lambda *_: pa.list_(ENTITY),
}


class ResultColumn:
    """Makes the column of one run."""

    def __init__(self, task: str, first: object, parameters: Mapping[str, Any], *, float16: bool) -> None:
        """`first`: an answer's value. A task that has no type here is written as JSON."""
        self._number = pa.float16() if float16 else pa.float32()
        self.type = self._vector_type(first) if task == "embeddings" else TYPES.get(task, _json_type)(first, parameters)
        self._nests = task in {"question-answering", "fill-mask"}

    def array(self, values: Sequence[Any]) -> Any:
        """The column of these values; None becomes null."""
        return self._array(values, self.type)

    def _vector_type(self, first: Any) -> Any:
        if isinstance(first, dict):
            return pa.struct([(kind, self._vector_type(each)) for kind, each in first.items()])
        if hasattr(first, "weights"):
            key = ("index", pa.int32()) if first.write is None else ("word", pa.string())
            return pa.list_(pa.struct([key, ("weight", pa.float32())]))
        vector = pa.list_(self._number, first.shape[-1])
        return vector if first.ndim == 1 else pa.list_(vector)

    def _array(self, values: Sequence[Any], kind: Any) -> Any:
        some = [value for value in values if value is not None]
        mask = pa.array([value is None for value in values], pa.bool_())
        first = some[0] if some else None
        if hasattr(first, "weights"):
            return _sparse(values, some, mask, kind)
        if isinstance(first, np.ndarray):
            return self._vectors(values, some, mask, kind)
        if isinstance(first, dict) and any(isinstance(each, np.ndarray) for each in first.values()):
            parts = [
                self._array([None if value is None else value[field.name] for value in values], field.type)
                for field in kind
            ]
            return pa.StructArray.from_arrays(parts, fields=list(kind), mask=mask)
        if pa.types.is_string(kind):
            return pa.array([None if value is None else orjson.dumps(value).decode() for value in values], kind)
        return pa.array([self._nest(value, kind) for value in values], kind)

    def _nest(self, value: Any, kind: Any) -> Any:
        """A single answer, or the words of a single mask, as the list of one that the column has."""
        if value is None or not self._nests or not pa.types.is_list(kind):
            return value
        is_single = isinstance(value, dict) if pa.types.is_struct(kind.value_type) else not isinstance(value[0], list)
        return [value] if is_single else value

    def _vectors(self, values: Sequence[Any], some: Sequence[Any], mask: Any, kind: Any) -> Any:
        number = self._number.to_pandas_dtype()
        if not pa.types.is_fixed_size_list(kind):
            flat = np.concatenate(some).astype(number, copy=False)
            inner = pa.FixedSizeListArray.from_arrays(pa.array(flat.ravel()), type=kind.value_type)
            return pa.ListArray.from_arrays(_offsets(values), inner, type=kind, mask=mask)
        nothing = np.zeros(kind.list_size, np.float32)
        flat = np.concatenate([nothing if value is None else value for value in values]).astype(number, copy=False)
        return pa.FixedSizeListArray.from_arrays(pa.array(flat), type=kind, mask=mask)


def _json_type(*_: object) -> Any:
    return pa.string()


def _sparse(values: Sequence[Any], some: Sequence[Any], mask: Any, kind: Any) -> Any:
    ids = np.concatenate([each.ids for each in some])
    write = some[0].write
    keys = pa.array(ids, pa.int32()) if write is None else pa.array(_words(write, ids.tolist()), pa.string())
    weights = pa.array(np.concatenate([each.weights for each in some]), pa.float32())
    words = pa.StructArray.from_arrays([keys, weights], fields=list(kind.value_type))
    return pa.ListArray.from_arrays(
        _offsets([None if each is None else each.ids for each in values]), words, type=kind, mask=mask
    )


def _words(write: Callable[[Sequence[int]], Sequence[str | None]], ids: list[int]) -> list[str]:
    return [str(each) if word is None else word for each, word in zip(ids, write(ids), strict=True)]


def _offsets(values: Sequence[Any]) -> Any:
    lengths = [0 if value is None else len(value) for value in values]
    return pa.array(np.cumsum([0, *lengths]), pa.int32())
