"""How vectors are written: numbers that read back as the same float32, or the bytes themselves."""

import base64
import json
from typing import Any

import numpy as np
import pytest

from handler.doors.call import format_value
from handler.parameters import EncodingFormat
from handler.sizes import BYTES_PER_NUMBER
from tests.support.calls import REST, answer, ask

NATIVE = {**REST, "url_path": ""}
VECTOR = np.random.default_rng(5).normal(size=384).astype(np.float32)


def decode(coded: str) -> Any:
    return np.frombuffer(base64.b64decode(coded, validate=True), "<f4")


@pytest.mark.parametrize(
    "vector",
    [
        VECTOR,
        np.asarray([0.0, -0.0, 1e-45, 3.4028235e38, 1 / 3, 16777217, 1e-7], np.float32),
        VECTOR.reshape(2, -1)[1],
        VECTOR[::2],
    ],
    ids=["random", "extremes", "a row", "not contiguous"],
)
def test_both_forms_are_the_float32_itself(vector: Any) -> None:
    numbers = json.loads(format_value([vector]).body)[0]
    assert np.array_equal(np.asarray(numbers, np.float32), vector)
    coded = json.loads(format_value({"a": [vector]}, encoding=EncodingFormat.BASE64).body)["a"][0]
    assert decode(coded).tobytes() == vector.astype("<f4").tobytes()


def test_numbers_have_no_more_digits_than_tell_them_apart() -> None:
    assert format_value(np.asarray([0.1, 1.5, -0.25], np.float32)).body == b"[0.1,1.5,-0.25]"


@pytest.mark.parametrize(
    ("body", "headers", "find"),
    [
        ({"inputs": "a"}, NATIVE, lambda sent: sent),
        ({"inputs": ["a"]}, NATIVE, lambda sent: sent[0]),
        ({"instances": ["a"]}, REST, lambda sent: sent["predictions"][0]),
    ],
    ids=["native, one", "native, a list", "v1"],
)
def test_base64_is_a_parameter(body: dict[str, Any], headers: Any, find: Any) -> None:
    call = ask({**body, "parameters": {"encoding_format": "base64"}}, headers)
    assert np.array_equal(decode(find(answer(call, VECTOR))), VECTOR)
    call = ask({**body, "parameters": {"encoding_format": "float"}}, headers)
    assert np.array_equal(np.asarray(find(answer(call, VECTOR)), np.float32), VECTOR)


@pytest.mark.parametrize("size", [64, 768, 4096])
def test_vectors_of_length_1_take_no_more_than_the_launcher_counts(size: int) -> None:
    vectors = np.random.default_rng(5).normal(size=(16, size))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    body = format_value(list(vectors.astype(np.float32))).body
    assert len(body) / vectors.size < BYTES_PER_NUMBER
