"""Open Inference v2, over REST and gRPC: tensors by name in, one tensor out, and which of them is wrong."""

import json
import math
import time
from typing import Any

import pytest

from handler.config import Task
from handler.parameters import ExplanationParameters
from handler.payload import Answered, Request
from handler.tasks.embeddings import EmbeddingParameters
from tests.support.calls import EXPLAIN, MODEL_INFER, REST, answer, ask, grpc_body, infer, read, refused, tensor

TEXT = tensor("text", "a")
BAD_TENSORS: list[tuple[dict[str, Any], str | None, str]] = [
    ({}, "/inputs", "inputs is missing; send"),
    (infer(), "/inputs", "length >= 1"),
    (infer(TEXT, id=7), "/id", "id: expected string"),
    (infer(TEXT, TEXT), "/inputs/1/name", "two inputs"),
    (infer(tensor("txt", "a")), "/inputs/0/name", "'txt'"),
    (infer(tensor("text_pair", "a")), "/inputs/0/name", "unknown input 'text_pair'"),
    (infer({**TEXT, "datatype": "INT64"}), "/inputs/0/datatype", "INT64"),
    (infer({**TEXT, "data": []}), "/inputs/0/data", "0 strings"),
    (infer({**TEXT, "data": [5]}), "/inputs/0/data/0", "got integer"),
    (infer({**TEXT, "shape": [1, 1, 1]}), "/inputs/0/shape", "length <= 2"),
    (infer({**TEXT, "shape": [-1]}), "/inputs/0/shape/0", ">= 0"),
    (infer(tensor("text", "a", "b", shape=[1, 2])), "/inputs/0/shape", "[n] or [n, 1]"),
    (infer(tensor("text", shape=[0])), "/inputs/0/shape", "no rows"),
    (infer({**TEXT, "parameters": {"binary_data_size": 5}}), "/inputs/0/parameters/binary_data_size", "unknown"),
    (infer({**TEXT, "shape": [2**62, 0], "data": []}), "/inputs/0/shape/0", "<= 2147483647"),
    (infer({**TEXT, "shape": [2**31 - 1, 0], "data": []}), "/inputs/0/shape", "no rows"),
    (infer({**TEXT, "shape": [2, 1], "data": [["a", "b"], []]}), "/inputs/0/data", "do not fit"),
    (infer({**TEXT, "shape": [1, 2], "data": [["a", 5]]}), "/inputs/0/data/0/1", "got integer"),
    (infer(TEXT, **{" - at `$.parameters.foo": 1}), "/ - at `$.parameters.foo", "unknown key"),
    (infer(TEXT, outputs=[{"name": "x"}]), "/outputs/0/name", "embeddings"),
    (infer(TEXT, parameters={"top_k": 1}), "/parameters/top_k", "unknown parameter 'top_k'"),
    (infer(TEXT, parameters={"timeout": -1}), "/parameters/timeout", "not a whole number of microseconds"),
    (infer(TEXT, parameters={"timeout": "1000"}), "/parameters/timeout", "not a whole number of microseconds"),
    (infer(TEXT, parameters={"timeout": ""}), "/parameters/timeout", "not a whole number of microseconds"),
    (infer(TEXT, parameters={"sequence_id": 7}), "/parameters/sequence_id", "no request here belongs to a sequence"),
    (infer(TEXT, parameters={"sequence_id": "a"}), "/parameters/sequence_id", "leave it out"),
    (infer(TEXT, parameters={"sequence_end": True}), "/parameters/sequence_end", "leave it out"),
    (infer(TEXT, parameters={"encoding_format": "base64"}), "/parameters/encoding_format", "FP32 here, not base64"),
    (infer(TEXT, tensor("parameters", "{}", "{}")), "/inputs/1/data", "one string"),
    (infer(TEXT, tensor("parameters", "{")), None, "the tensor parameters is not JSON"),
    (infer(TEXT, tensor("parameters", "{}"), parameters={"dimensions": 1}), "/parameters", "twice"),
    ({"inputs": [TEXT], "instances": ["a"]}, "/inputs", "unknown key 'inputs'"),  # v1, by `instances`
]


def test_v2_reads_tensors_by_name_and_answers_with_one() -> None:
    call = ask(infer(tensor("text", "a", "b", shape=[2, 1]), id="7", parameters={"binary_data_output": False}))
    assert isinstance(call.item, Request)
    assert [(source.text, source.param) for source in call.item.inputs] == [
        ("a", "/inputs/0/data/0"),
        ("b", "/inputs/0/data/1"),
    ]
    assert answer(call, [1.5, 2.0], [2.5, 3.0]) == {
        "id": "7",
        "model_name": "m",
        "model_version": "1.0",
        "outputs": [{"name": "embeddings", "datatype": "FP32", "shape": [2, 2], "data": [1.5, 2.0, 2.5, 3.0]}],
    }


def test_v2_reads_what_clients_add() -> None:
    """KServe's own adds the model's name, MLServer's the type of its content, tritonclient how it wants the answer."""
    found = read(
        infer(
            {**TEXT, "parameters": {"content_type": "str"}},
            model_name="m",
            model_version=None,
            parameters={"content_type": "str", "binary_data_output": True},
            outputs=[{"name": "embeddings", "parameters": {"binary_data": True, "content_type": "np"}}],
        )
    )
    assert found.parameters == EmbeddingParameters()
    assert read(infer(TEXT, parameters=None, outputs=None)) == found


def test_v2_reads_what_tritons_scheduler_would() -> None:
    """As tritonclient sends it; without a sequence it says nothing of one."""
    said = {"priority": 2, "timeout": 60_000_000, "sequence_id": 0, "sequence_start": False, "sequence_end": False}
    found = read(infer(TEXT, parameters=said))
    assert found.parameters == EmbeddingParameters()
    assert 50 < found.deadline_s - time.monotonic() <= 60
    assert read(infer(TEXT, parameters={"timeout": 0})).deadline_s == math.inf
    sooner = read(infer(TEXT, parameters=said), {**REST, "x-deadline-ms": f"{(time.time() + 5) * 1000:.0f}"})
    assert sooner.deadline_s - time.monotonic() < 6


def test_v2_explains() -> None:
    call = ask(infer(TEXT, id="7", parameters={"n_steps": 5}), EXPLAIN, Task.TEXT_CLASSIFICATION)
    assert isinstance(call.item, Request)
    assert call.item.parameters == ExplanationParameters(n_steps=5)
    (output,) = answer(call, {"label": "x"})["outputs"]
    assert (output["name"], output["datatype"], output["data"]) == ("explanations", "BYTES", ['{"label":"x"}'])
    error, body = refused(infer(TEXT, id="7"), EXPLAIN)
    assert (error.status, body["error"]) == (404, error.message)
    error, _ = refused(infer(TEXT, outputs=[{"name": "predictions"}]), EXPLAIN, Task.TEXT_CLASSIFICATION)
    assert "this model has explanations" in error.message


METADATA = {**REST, "url_path": "v2"}


@pytest.mark.parametrize(
    ("task", "inputs", "output"),
    [
        (Task.EMBEDDINGS, {"text": [-1]}, ("embeddings", "FP32", [-1, -1])),
        (Task.TEXT_CLASSIFICATION, {"text": [-1]}, ("predictions", "BYTES", [-1])),
        (Task.QUESTION_ANSWERING, {"question": [-1], "context": [-1]}, ("predictions", "BYTES", [-1])),
        (Task.TEXT_RANKING, {"query": [-1], "texts": [-1, -1]}, ("predictions", "BYTES", [-1])),
    ],
)
def test_v2_says_what_a_model_takes(
    task: Task, inputs: dict[str, list[int]], output: tuple[str, str, list[int]]
) -> None:
    """A request with tensors of that description is one that the same model reads."""
    item = ask(b"", METADATA, task).item
    assert isinstance(item, Answered)
    name, datatype, shape = output
    assert item.value == {
        "name": "m",
        "versions": ["1.0"],
        "platform": "pytorch_transformers",
        "inputs": [{"name": key, "datatype": "BYTES", "shape": shape} for key, shape in inputs.items()],
        "outputs": [{"name": name, "datatype": datatype, "shape": shape}],
    }
    tensors = [tensor(key, "a", shape=[1] * len(shape)) for key, shape in inputs.items()]
    assert read(infer(*tensors), task=task).inputs


def test_v2_metadata_is_asked_for_without_a_body() -> None:
    error, body = refused(infer(TEXT), METADATA)
    assert (error.status, body["error"]) == (422, error.message)
    assert "send tensors to /v2/models/{model}/infer" in error.message


def test_v2_writes_other_results_as_json() -> None:
    call = ask(infer(tensor("text", "a")), task=Task.TEXT_CLASSIFICATION)
    (output,) = answer(call, {"label": "x", "score": 0.5})["outputs"]
    assert (output["name"], output["datatype"], output["shape"]) == ("predictions", "BYTES", [1])
    assert [json.loads(text) for text in output["data"]] == [{"label": "x", "score": 0.5}]


def test_v2_puts_rows_together_in_any_order_of_tensors() -> None:
    pairs = infer(tensor("text_pair", "c", "d"), tensor("text", ["a"], ["b"], shape=[2, 1]))
    found = read(pairs, task=Task.TEXT_CLASSIFICATION).inputs
    assert [(source.text, source.text_pair, source.param) for source in found] == [
        ("a", "c", "/inputs/1/data/0/0"),
        ("b", "d", "/inputs/1/data/1/0"),
    ]
    ranking = infer(tensor("query", "q", "r"), tensor("texts", "a", "b", "c", "d", shape=[2, 2]))
    assert [source.texts for source in read(ranking, task=Task.TEXT_RANKING).inputs] == [("a", "b"), ("c", "d")]


@pytest.mark.parametrize(("body", "param", "part"), BAD_TENSORS)
def test_v2_names_what_is_wrong_with_a_tensor(body: dict[str, Any], param: str | None, part: str) -> None:
    error, sent = refused(body)
    assert part in error.message
    assert sent == {**sent, "code": error.status, "param": param, "error": error.message}


def test_v2_says_which_element_is_empty() -> None:
    body = infer(tensor("context", "b", ""), tensor("question", "a", "c"))
    error, _ = refused(body, task=Task.QUESTION_ANSWERING)
    assert (error.param, error.message[:8]) == ("/inputs/0/data/1", "context:")


def test_v2_needs_as_many_rows_and_a_text_for_each_query() -> None:
    for texts in (tensor("texts", "a", "b", shape=[2, 1]), tensor("texts", shape=[1, 0])):
        error, _ = refused(infer(tensor("query", "q"), texts), task=Task.TEXT_RANKING)
        assert (error.param, "[n, k]" in error.message) == ("/inputs/1/shape", True)


def test_grpc_reads_base64_and_parameters_from_a_tensor() -> None:
    call = ask(grpc_body(tensor("text", b"na\xc3\xafve"), tensor("parameters", b'{"dimensions": 2}')), MODEL_INFER)
    assert isinstance(call.item, Request)
    assert [source.text for source in call.item.inputs] == ["naïve"]
    assert call.item.parameters == EmbeddingParameters(dimensions=2)
    assert answer(call, [1.5])["id"] == "7"


def test_grpc_answers_an_error_without_an_id_that_would_make_it_large() -> None:
    for number, kept in ((1000, 1000), (1001, 0), (10**6, 0)):
        _, body = refused(grpc_body(tensor("txt", b"a")) | {"id": "\x01" * number}, MODEL_INFER)
        assert (body["id"], body["outputs"][0]["name"]) == ("\x01" * kept, "error")


def test_grpc_answers_an_error_as_an_output() -> None:
    """Of any other shape, or without an id, the frontend would die of a null pointer."""
    cases: list[tuple[object, int, str | None]] = [
        (grpc_body(tensor("text", b"\xff")), 400, "/inputs/0/data/0"),
        (grpc_body(tensor("text", shape=[1])), 422, "/inputs/0/data"),  # what raw_input_contents leave
        (b"{", 400, None),
    ]
    for body, status, param in cases:
        error, sent = refused(body, MODEL_INFER)
        assert (error.status, error.param) == (status, param)
        assert set(sent) == {"id", "model_name", "model_version", "outputs"}
        (output,) = sent["outputs"]
        (data,) = output.pop("data")
        assert output == {"name": "error", "datatype": "BYTES", "shape": [1]}
        assert data == {"code": status, "type": type(error).__name__, "message": error.message, "param": param}
