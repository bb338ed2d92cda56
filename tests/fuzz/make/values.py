"""Values that nobody expects: strings, numbers and whole JSON values that break readers. Pure."""

import json
import re
from random import Random
from typing import Any

STRINGS = (
    "",
    " ",
    "\0",
    "a\0b",
    "a\r\nx-evil: 1",
    "\n",
    "\r",
    "naïve",
    "日本語",
    "😀" * 3,
    "\ud800",
    "\udfff\ud800",
    "\u2028\u200b",
    "\x7f\x1b[31m",
    "\ufeff",
    "'",
    '"',
    "\\",
    "`",
    "{}",
    "{0.__class__}",
    "%s%n",
    "../../etc/passwd",
    "a.b",
    "a[0]",
    "a[...]",
    "~/~1",
    "/inputs/0",
    "x` - at `$.inputs[0]",
    "Object contains unknown field `x",
    "null",
    "-1",
    "[MASK]",
    "[CLS] a [SEP] b [PAD]",
    "negative",
    "softmax",
    "base64",
    "x" * 101,
    "\x7f" * 300,
)
LONG = ("a", " ", "\0", "é", "😀", "a ", "[MASK]", "\n", "'", "{}", ",")
LONG_CHARACTERS = (1000, 10_000, 100_000, 1_000_000)
# As they stand in JSON: some are none, and Python would not write the others so.
NUMBERS = (
    "0",
    "-0",
    "-1",
    "1.5",
    "1e3",
    "1E400",
    "-1e999",
    "1e-999",
    "NaN",
    "Infinity",
    "-Infinity",
    "01",
    "+1",
    "1.",
    "0x10",
    str(2**31),
    str(2**53 + 1),
    str(2**63),
    str(2**64),
    str(-(2**63) - 1),
    str(10**400),
    "9" * 5000,
)
KEYS = (
    "inputs",
    "instances",
    "input",
    "parameters",
    "text",
    "text_pair",
    "texts",
    "data",
    "shape",
    "datatype",
    "name",
    "id",
    "outputs",
    "model",
    "top_k",
    "truncation",
    "dimensions",
    "candidate_labels",
    "binary_data_output",
    "__class__",
)
_RAW = "raw number "
_RAW_IN_JSON = re.compile(f'"{_RAW}([^"]*)"')


def make_string(rng: Random) -> str:
    """A strange string; seldom a long one."""
    if rng.random() < 0.04:
        unit = rng.choice(LONG)
        return unit * (rng.choice(LONG_CHARACTERS) // len(unit))
    return rng.choice(STRINGS)


def make_key(rng: Random) -> str:
    """A key of some door or task in the wrong place, or none of any."""
    return rng.choice(KEYS) if rng.random() < 0.6 else make_string(rng)


def make_value(rng: Random) -> Any:
    """A strange JSON value for `encode`."""
    return rng.choice(_MAKERS)(rng)


def _make_number(rng: Random) -> str:
    return _RAW + rng.choice(NUMBERS)


def _make_constant(rng: Random) -> Any:
    return rng.choice((None, True, False, [], {}, [[]], [{}], {"": {}}, 3, -7, 0.5, [None], ["a", 1], [1, [2]]))


def _make_nested(rng: Random) -> Any:
    value: Any = "deep"
    for _ in range(rng.choice((2, 20, 200))):
        value = [value] if rng.random() < 0.5 else {make_key(rng)[:20]: value}
    return value


def _make_list(rng: Random) -> Any:
    return [make_string(rng)] * rng.choice((1, 2, 3, 257, 5000)) if rng.random() < 0.3 else [make_value(rng)]


_MAKERS = (
    make_string,
    make_string,
    _make_number,
    _make_number,
    _make_constant,
    _make_constant,
    _make_nested,
    _make_list,
)


def encode(value: Any) -> bytes:
    """JSON in which those numbers stand as they are, and a lone surrogate as its escape."""
    return _RAW_IN_JSON.sub(r"\1", json.dumps(value)).encode()
