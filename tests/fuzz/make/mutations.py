"""A good request's JSON with something changed: one place of its value, or its text. Pure."""

import copy
import gzip
import json
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from .values import make_key, make_string, make_value

MAX_REPEATED_BYTES = 200_000
Container = Any
"""A list or an object; its keys are indices or strings."""


def change_value(rng: Random, value: Any) -> Any:
    """The value with one place in it changed."""
    root = [copy.deepcopy(value)]
    levels = list(_levels(root))
    container, key = rng.choice(rng.choice(levels))  # texts, far down, are many
    rng.choice(VALUE_CHANGES)(rng, container, key)
    return root[0] if root else None


def _levels(*containers: Container) -> Iterator[list[tuple[Container, Any]]]:
    """Every place, by its depth."""
    while places := [(container, key) for container in containers for key in _keys(container)]:
        yield places
        containers = tuple(container[key] for container, key in places if isinstance(container[key], list | dict))


def _keys(container: Container) -> list[Any]:
    return list(container) if isinstance(container, dict) else list(range(len(container)))


def _replace(rng: Random, container: Container, key: Any) -> None:
    container[key] = make_value(rng)


def _remove(_: Random, container: Container, key: Any) -> None:
    del container[key]


def _rename(rng: Random, container: Container, key: Any) -> None:
    if isinstance(container, dict):
        container[make_key(rng)] = container.pop(key)


def _add(rng: Random, container: Container, key: Any) -> None:
    place = container[key] if isinstance(container[key], list | dict) else container
    if isinstance(place, dict):
        place[make_key(rng)] = make_value(rng)
    else:
        place.insert(rng.randint(0, len(place)), make_value(rng))


def _repeat(rng: Random, container: Container, key: Any) -> None:
    value = container[key] if isinstance(container[key], list) else [container[key]]
    count = rng.choice((2, 256, 257, 1000))
    if len(json.dumps(value)) * count < MAX_REPEATED_BYTES:
        container[key] = value * count


def _wrap(rng: Random, container: Container, key: Any) -> None:
    container[key] = rng.choice(([container[key]], {make_key(rng): container[key]}, json.dumps(container[key])))


def _misspell(rng: Random, container: Container, key: Any) -> None:
    if isinstance(container[key], str):
        at = rng.randint(0, len(container[key]))
        container[key] = container[key][:at] + make_string(rng) + container[key][at:]
    else:
        _replace(rng, container, key)


def _copy_another(rng: Random, container: Container, key: Any) -> None:
    place, other = rng.choice(rng.choice(list(_levels(container))))
    container[key] = copy.deepcopy(place[other])


VALUE_CHANGES: tuple[Callable[[Random, Container, Any], None], ...] = (
    _replace,
    _replace,
    _remove,
    _rename,
    _add,
    _add,
    _repeat,
    _wrap,
    _misspell,
    _copy_another,
)


def change_text(rng: Random, body: bytes) -> bytes:
    """The bytes with something done to them that a JSON encoder does not do."""
    return rng.choice(TEXT_CHANGES)(rng, body)


def _truncate(rng: Random, body: bytes) -> bytes:
    return body[: rng.randint(0, max(0, len(body) - 1))]


def _insert(rng: Random, body: bytes) -> bytes:
    at = rng.randint(0, len(body))
    return (
        body[:at]
        + rng.choice((b"\xff", b"\0", b"\xed\xa0\x80", b"\xc0\xaf", b'"', b"\\", b",", b"}", b"\n"))
        + body[at:]
    )


def _flip(rng: Random, body: bytes) -> bytes:
    changed = bytearray(body or b"{")
    changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def _double_key(rng: Random, body: bytes) -> bytes:
    """Of equal keys the last one counts: before the others it changes nothing, behind them everything."""
    name = rng.choice((b"inputs", b"instances", b"input", b"parameters", b"text", b"name"))
    member = b'"%s": %s' % (name, rng.choice((b"5", b"null", b"[]")))
    if rng.random() < 0.5:
        return body.replace(b"{", b"{" + member + b", ", 1)
    return body[:-1] + b", " + member + body[-1:]


def _recode(rng: Random, body: bytes) -> bytes:
    text = body.decode("utf-8", "replace")
    return text.encode(rng.choice(("utf-16", "utf-16-le", "utf-32", "utf-7", "utf-8-sig", "cp1252")), "replace")


def _compress(_: Random, body: bytes) -> bytes:
    return gzip.compress(body, mtime=0)


def _add_lines(rng: Random, body: bytes) -> bytes:
    return b"\n".join([body] * rng.choice((2, 300)))[:MAX_REPEATED_BYTES]


def _nest(rng: Random, body: bytes) -> bytes:
    depth = rng.choice((1, 30, 1000, 100_000))
    opening, closing = rng.choice(((b"[", b"]"), (b'{"inputs":', b"}"), (b'{"a":[', b"]}")))
    depth = min(depth, 1_000_000 // len(opening + closing))
    return opening * depth + body + (closing * depth if rng.random() < 0.7 else b"")


def _surround(rng: Random, body: bytes) -> bytes:
    return rng.choice((b" \r\n", b"\0", b"x", b"")) + body + rng.choice((b"\n\n", b"x", b"{}", b"\0", b" " * 100_000))


def _empty(*_: object) -> bytes:
    return b""


def _fill(rng: Random, _: bytes) -> bytes:
    return rng.choice((b"a", b" ", b"\0", b"\xff", b"9", b'"')) * rng.choice((1, 1000, 1_000_000, 2**20, 2**20 + 1))


TEXT_CHANGES: tuple[Callable[[Random, bytes], bytes], ...] = (
    _truncate,
    _truncate,
    _insert,
    _insert,
    _flip,
    _flip,
    _double_key,
    _recode,
    _compress,
    _add_lines,
    _nest,
    _surround,
    _empty,
    _fill,
)
