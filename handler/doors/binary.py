"""Tensors as bytes behind the JSON: the Open Inference protocol's extension for binary data, over REST. Pure.

A header says where the JSON ends. Of a string its length comes first, 4 bytes; numbers follow each other as they are.
All are little-endian.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain

import numpy as np
import numpy.typing as npt

from ..errors import InvalidInput, NotParseable, UnsupportedMedia
from ..wire import count
from .advice import Advice
from .body import decode_json, read_json, require_bytes

HEADER = "Inference-Header-Content-Length"
SIZE = "binary_data_size"
LENGTH_BYTES = 4
MEDIA = "application/octet-stream"


def json_length(headers: Mapping[str, object]) -> str | None:
    """Return what the header says, or None for a body that is all JSON."""
    return next((str(value) for name, value in headers.items() if name.lower() == HEADER.lower()), None)


def read_without_length(fields: Mapping[str, object], headers: Mapping[str, object], advice: Advice) -> object:
    """Return the request that is all JSON; a RequestError names the header where it is missing."""
    try:
        return read_json(fields, headers, advice)
    except (NotParseable, UnsupportedMedia) as error:
        body = fields.get("body")
        if isinstance(body, bytes | bytearray) and SIZE.encode() in body:
            raise type(error)(
                f"the body has tensors' bytes behind its JSON, and no header {HEADER} to say how many bytes the JSON "
                "has: send that header"
            ) from None
        raise


def read_binary(fields: Mapping[str, object], length: str, advice: Advice) -> object:
    """Return the request as JSON alone would have it, each tensor's strings as its `data`."""
    body = memoryview(require_bytes(fields.get("body", b"")))
    if re.fullmatch("[0-9]{1,12}", length) is None or int(length) > len(body):
        raise InvalidInput(f"the header {HEADER} is not a number of bytes within the body, which has {len(body)}")
    value = decode_json(bytes(body[: int(length)]), advice)
    tensors = value.get("inputs") if isinstance(value, dict) else None
    rest = body[int(length) :]
    for index, tensor in enumerate(tensors if isinstance(tensors, list) else ()):
        parameters = tensor.get("parameters") if isinstance(tensor, dict) else None
        if isinstance(parameters, dict) and SIZE in parameters:
            size = parameters.pop(SIZE)
            if tensor.get("data") is not None:
                raise InvalidInput(f"inputs.{index} has both data and {SIZE}: send one of them", f"/inputs/{index}")
            part, rest = _take(rest, size, index)
            tensor["data"] = list(_read_strings(part, index))
    if rest:
        raise InvalidInput(f"the body has {count(len(rest), 'byte')} more than its tensors' {SIZE} say", "/inputs")
    return value


def _take(rest: memoryview, size: object, index: int) -> tuple[memoryview, memoryview]:
    if type(size) is not int or not 0 <= size <= len(rest):
        place = f"/inputs/{index}/parameters/{SIZE}"
        raise InvalidInput(
            f"{place[1:].replace('/', '.')} is not a number of bytes within the body, which has {len(rest)} left", place
        )
    return rest[:size], rest[size:]


def _read_strings(part: memoryview, index: int) -> Iterator[str]:
    """Read strings with their lengths; an error names the element."""
    place, number = f"/inputs/{index}/data", 0
    while part:
        size = int.from_bytes(part[:LENGTH_BYTES], "little")
        text = part[LENGTH_BYTES : LENGTH_BYTES + size]
        if len(part) < LENGTH_BYTES + size:
            raise InvalidInput(f"{place[1:].replace('/', '.')} ends within element {number}", place)
        try:
            yield str(text, "utf-8")
        except UnicodeDecodeError as error:
            where = f"{place}/{number}"
            raise NotParseable(f"{where[1:].replace('/', '.')} is not UTF-8: {error}", where) from None
        part, number = part[LENGTH_BYTES + size :], number + 1


def vectors_to_bytes(vectors: Sequence[npt.NDArray[np.float32]]) -> bytes:
    """Return the numbers of an FP32 tensor, row after row."""
    return b"".join(np.ascontiguousarray(vector, "<f4").data for vector in vectors)


def strings_to_bytes(strings: Sequence[bytes]) -> bytes:
    """Return the elements of a BYTES tensor, each behind its length."""
    return b"".join(chain.from_iterable((len(each).to_bytes(LENGTH_BYTES, "little"), each) for each in strings))
