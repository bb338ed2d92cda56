"""Tensors as bytes behind the JSON, as tritonclient's own code writes and reads them."""

import json
from typing import Any

import numpy as np
import pytest
from tritonclient.http import InferenceServerClient, InferInput, InferRequestedOutput

from handler.config import Task
from handler.payload import Prediction
from tests.support.calls import REST, ask, read, refused

TEXTS = ["hello", "naïve 😀", "a\0b"]
VECTORS = np.random.default_rng(3).normal(size=(3, 8)).astype(np.float32)
WITHOUT_TYPE = {"explain": "False"}
HEADER = "Inference-Header-Content-Length"


def request_of_triton(*, binary_input: bool, binary_output: bool | None, name: str) -> tuple[bytes, dict[str, Any]]:
    """Its request's body and headers; None: it says nothing of outputs, and wants them as bytes by itself."""
    data = np.array(TEXTS, dtype=np.object_)
    inputs = [InferInput("text", [len(TEXTS)], "BYTES").set_data_from_numpy(data, binary_data=binary_input)]
    outputs = None if binary_output is None else [InferRequestedOutput(name, binary_data=binary_output)]
    body, json_size = InferenceServerClient.generate_request_body(inputs, outputs=outputs)
    return body, WITHOUT_TYPE if json_size is None else {**WITHOUT_TYPE, HEADER: str(json_size)}


@pytest.mark.parametrize("binary_output", [True, False, None])
@pytest.mark.parametrize("binary_input", [True, False])
def test_vectors_are_read_by_triton(binary_input: bool, binary_output: bool | None) -> None:
    body, headers = request_of_triton(binary_input=binary_input, binary_output=binary_output, name="embeddings")
    assert [source.text for source in read(body, headers).inputs] == TEXTS
    predictions = [Prediction(value=vector, num_tokens=1, is_truncated=False) for vector in VECTORS]
    response = ask(body, headers).reply.format_predictions(predictions)
    length = response.headers.get(HEADER)
    assert (length is None) is (binary_output is False)
    assert response.headers.get("content-type") == (None if length is None else "application/octet-stream")
    found = InferenceServerClient.parse_response_body(response.body, header_length=length and int(length))
    assert found.as_numpy("embeddings").astype("<f4").tobytes() == VECTORS.tobytes()


def test_other_results_are_strings_of_json() -> None:
    values = [{"label": label, "score": 0.5} for label in ("é", "", "c")]
    body, headers = request_of_triton(binary_input=True, binary_output=True, name="predictions")
    predictions = [Prediction(value=value, num_tokens=1, is_truncated=False) for value in values]
    response = ask(body, headers, Task.TEXT_CLASSIFICATION).reply.format_predictions(predictions)
    found = InferenceServerClient.parse_response_body(response.body, header_length=int(response.headers[HEADER]))
    assert [json.loads(text) for text in found.as_numpy("predictions")] == values


def binary(
    tail: bytes, size: object, *, shape: int = 1, length: str | None = None, **more: object
) -> tuple[bytes, dict[str, str]]:
    """A body with one tensor of these bytes, and its headers."""
    one = {"name": "text", "shape": [shape], "datatype": "BYTES", "parameters": {"binary_data_size": size}, **more}
    head = json.dumps({"inputs": [one]}).encode()
    return head + tail, {**REST, HEADER: str(len(head)) if length is None else length}


@pytest.mark.parametrize(
    ("sent", "status", "param", "part"),
    [
        (binary(b"", 5), 422, "/inputs/0/parameters/binary_data_size", "within the body, which has 0 left"),
        (binary(b"", -1), 422, "/inputs/0/parameters/binary_data_size", "within the body"),
        (binary(b"\0", True), 422, "/inputs/0/parameters/binary_data_size", "within the body"),
        (binary(b"", "0"), 422, "/inputs/0/parameters/binary_data_size", "within the body"),
        (binary(b"\x01\0\0", 3), 422, "/inputs/0/data", "ends within element 0"),
        (binary(b"\x01\0\0\0a\x02\0\0\0b", 10, shape=2), 422, "/inputs/0/data", "ends within element 1"),
        (binary(b"\xff\xff\xff\xffa", 5), 422, "/inputs/0/data", "ends within element 0"),
        (binary(b"\x01\0\0\0\xff", 5), 400, "/inputs/0/data/0", "not UTF-8"),
        (binary(b"\x01\0\0\0a", 5, shape=2), 422, "/inputs/0/data", "do not fit the shape"),
        (binary(b"\x01\0\0\0a", 5, data=["b"]), 422, "/inputs/0", "both data and binary_data_size"),
        (binary(b"\x01\0\0\0ab", 5), 422, "/inputs", "has 1 byte more"),
        (binary(b"", 0, length="999"), 422, None, "not a number of bytes"),
        (binary(b"", 0, length="9" * 5000), 422, None, "not a number of bytes"),
        (binary(b"", 0, length="-1"), 422, None, "not a number of bytes"),
        (binary(b"", 0, length="1"), 400, None, "not JSON"),
    ],
)
def test_what_is_wrong_with_the_bytes_is_said(
    sent: tuple[bytes, dict[str, str]], status: int, param: str | None, part: str
) -> None:
    error, body = refused(*sent)
    assert (error.status, error.param, part in error.message) == (status, param, True), error
    assert body["error"] == error.message


@pytest.mark.parametrize(
    ("content_type", "status"), [("application/octet-stream", 415), ("application/json", 400), ("", 400)]
)
def test_the_header_that_is_missing_is_named(content_type: str, status: int) -> None:
    body, _ = binary(b"\x01\0\0\0a", 5)
    error, _ = refused(body, {"explain": "False", "content-type": content_type})
    assert (error.status, f"no header {HEADER}" in error.message) == (status, True), error.message
    assert HEADER not in refused(body[:50], {"explain": "False"})[0].message


def test_only_a_task_that_is_asked_by_tensors_reads_them() -> None:
    body = json.dumps({"instances": ["a"]}).encode()
    error, _ = refused(body + b"more", {**REST, HEADER: str(len(body))})
    assert "4 bytes more" in error.message
