"""A place in the native body (a JSON pointer), where each door's own client puts it. Pure."""

from collections.abc import Callable
from typing import Any

from .tensors import as_object, to_tensors

Pointer = Callable[[str | None, list[Any]], str | None]
"""A native pointer and the inputs that were asked about, to the door's pointer."""


def at_inputs(pointer: str | None, _: list[Any]) -> str | None:
    """The native doors."""
    return pointer


def at_instances(pointer: str | None, _: list[Any]) -> str | None:
    """KServe v1."""
    return _move(pointer, "/inputs", "/instances")


def at_input(pointer: str | None, _: list[Any]) -> str | None:
    """OpenAI: `dimensions` is no parameter there."""
    return _move(_move(pointer, "/inputs", "/input"), "/parameters/dimensions", "/dimensions")


def at_tensors(pointer: str | None, inputs: list[Any]) -> str | None:
    """The Open Inference protocol: the key's tensor, and the element in it. Of a whole input: its first tensor's."""
    if pointer is None or not pointer.startswith("/inputs/"):
        return pointer
    row, *keys = pointer.removeprefix("/inputs/").split("/")
    tensors = to_tensors(inputs)
    key = keys[0] if keys else next(iter(as_object(inputs[int(row)])))
    (index,) = [place for place, tensor in enumerate(tensors) if tensor.name == key]
    width = len(tensors[index].data) // len(inputs)
    element = int(row) * width + (int(keys[1]) if len(keys) > 1 else 0)
    return f"/inputs/{index}/data/{element}"


def leads_somewhere(pointer: str | None, body: Any) -> bool:
    """Whether this is a place in a body, or in an object there a key that is missing; `parameters` may be."""
    if pointer is None or pointer.startswith("/parameters"):
        return True
    *parents, last = [key.replace("~1", "/").replace("~0", "~") for key in pointer.split("/")[1:]]
    for key in parents:
        body = body[key] if isinstance(body, dict) else body[int(key)]
    return isinstance(body, dict) or int(last) < len(body)


def _move(pointer: str | None, old: str, new: str) -> str | None:
    if pointer is None or not (pointer == old or pointer.startswith(f"{old}/")):
        return pointer
    return new + pointer.removeprefix(old)
