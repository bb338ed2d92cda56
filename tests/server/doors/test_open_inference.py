"""What the Open Inference protocol has beside inputs and results: ids, named outputs, shapes, binary tensors."""

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import requests
from tritonclient.http import InferRequestedOutput
from tritonclient.utils import InferenceServerException

from handler.config import Task
from tests.support.clients import Model
from tests.support.clients.infer_grpc import infer, model_infer, to_message
from tests.support.clients.infer_rest import V2
from tests.support.clients.infer_triton import read_result, to_infer_input, triton
from tests.support.clients.rest import JSON, NATIVE, post
from tests.support.clients.tensors import Tensor
from tests.support.equality.compare import largest_difference
from tests.support.servers import Server

from .errors import NASTY
from .mixed_inputs import MASK

pytestmark = pytest.mark.server

TOLERANCE = 1e-6
TEXT = {"name": "text", "shape": [2], "datatype": "BYTES", "data": ["a", "é😀"]}
QUERY = {"name": "query", "shape": [2], "datatype": "BYTES", "data": ["a", "b"]}
TEXTS = {"name": "texts", "shape": [2, 2], "datatype": "BYTES", "data": ["c", "d", "e", "f"]}
TENSOR = Tensor(name="text", shape=[1], data=["a"])
TENSOR_MESSAGE = to_message(TENSOR)
KNOWN = dict.fromkeys(Task, "a text") | {Task.FILL_MASK: MASK}


@pytest.fixture
def model(tasks_server: Server) -> Model:
    return tasks_server.model(Task.TEXT_CLASSIFICATION)


@pytest.fixture(scope="module", autouse=True)
def _same_worker(tasks_server: Server) -> Iterator[None]:
    """An answer that is not the protocol's would cost it."""
    before = tasks_server.worker_pids(Task.TEXT_CLASSIFICATION)
    yield
    assert tasks_server.worker_pids(Task.TEXT_CLASSIFICATION) == before


def results(model: Model, *tensors: dict[str, Any], **fields: Any) -> list[Any]:
    answer = V2.ask(model, {"inputs": tensors, **fields})
    assert answer.results is not None, answer
    return answer.results


def assert_close(*answers: list[Any]) -> None:
    """All are the first: two requests of the same inputs may differ in the last digits."""
    for answer in answers[1:]:
        assert largest_difference(answer, answers[0]) < TOLERANCE


def refused(model: Model, *tensors: dict[str, Any], **fields: Any) -> tuple[int, str, str | None, str]:
    """Status, type, place and message."""
    error = V2.ask(model, {"inputs": tensors, **fields}).error
    assert error is not None
    code, kind, message, param = error.values()
    return code, kind, param, message


def test_the_id_comes_back(model: Model) -> None:
    body = {"inputs": [TEXT], "id": NASTY}
    assert post(V2.url(model), json.dumps(body).encode(), JSON).json()["id"] == NASTY
    assert "id" not in post(V2.url(model), json.dumps({"inputs": [TEXT]}).encode(), JSON).json()
    with triton(model) as client:
        inputs = [to_infer_input(TENSOR)]
        assert client.infer(model.name, inputs, request_id="7").get_response()["id"] == "7"


def test_the_id_comes_back_over_grpc(model: Model) -> None:
    for sent in ("7", "é😀\r\n", ""):
        assert model_infer(model, [TENSOR_MESSAGE], id=sent).id == sent


def test_the_output_may_be_named(model: Model) -> None:
    output = {"name": "predictions", "parameters": {"binary_data": False}}
    assert_close(results(model, TEXT, outputs=[output]), results(model, TEXT))
    with triton(model) as client:
        named = [InferRequestedOutput("predictions", binary_data=False)]
        answer = client.infer(model.name, [to_infer_input(TENSOR)], outputs=named)
    assert_close(read_result(answer), results(model, TENSOR.as_json()))
    status, kind, param, message = refused(model, TEXT, outputs=[output, {"name": NASTY}])
    assert (status, kind, param) == (422, "InvalidInput", "/outputs/1/name")
    assert repr(NASTY) in message


def test_data_may_be_nested_and_of_one_column(model: Model) -> None:
    assert_close(
        results(model, TEXT),
        results(model, {**TEXT, "shape": [2, 1]}),
        results(model, {**TEXT, "shape": [2, 1], "data": [["a"], ["é😀"]]}),
        results(model, {**TEXT, "datatype": "STRING"}),
        results(model, {**TEXT, "parameters": {"content_type": "str"}}),
    )


def test_texts_may_be_nested(tasks_server: Server) -> None:
    ranking = tasks_server.model(Task.TEXT_RANKING)
    nested = {**TEXTS, "data": [["c", "d"], ["e", "f"]]}
    flat = results(ranking, QUERY, TEXTS)
    assert_close(flat, results(ranking, QUERY, nested), results(ranking, TEXTS, QUERY))


def test_texts_of_one_column_are_a_text_for_each_query(tasks_server: Server) -> None:
    ranking = tasks_server.model(Task.TEXT_RANKING)
    column = {**TEXTS, "shape": [2, 1], "data": ["c", "d"]}
    assert [[each["index"] for each in result] for result in results(ranking, QUERY, column)] == [[0], [0]]


def test_parameters_of_the_request_or_as_a_tensor(model: Model) -> None:
    tensor = {"name": "parameters", "shape": [1], "datatype": "BYTES", "data": ['{"top_k": 2}']}
    expected = results(model, TEXT, parameters={"top_k": 2})
    assert [len(result) for result in expected] == [2, 2]
    assert_close(
        expected,
        results(model, tensor, TEXT),
        results(model, TEXT, tensor),
        results(model, TEXT, tensor, parameters={"binary_data_output": False}),
    )
    assert refused(model, TEXT, tensor, parameters={"top_k": 2})[:3] == (422, "InvalidParameter", "/parameters")


def test_binary_tensors_go_in_and_come_out(model: Model) -> None:
    """As tritonclient does it by itself; its answer says whether the data came as bytes."""
    expected = results(model, TENSOR.as_json())
    for sent in (True, False):
        for wanted in (True, False):
            with triton(model) as client:
                named = [InferRequestedOutput("predictions", binary_data=wanted)]
                answer = client.infer(model.name, [to_infer_input(TENSOR, binary_data=sent)], outputs=named)
            (output,) = answer.get_response()["outputs"]
            assert ("data" in output) is not wanted
            assert_close(read_result(answer), expected)


@pytest.mark.parametrize("algorithm", ["gzip", "deflate"])
@pytest.mark.parametrize("binary", [True, False])
def test_what_triton_compresses_and_schedules_is_read(model: Model, algorithm: str, binary: bool) -> None:
    expected = results(model, TENSOR.as_json())
    with triton(model) as client:
        inputs = [to_infer_input(TENSOR, binary_data=binary)]
        said = {"request_compression_algorithm": algorithm, "priority": 2, "timeout": 60_000_000}
        assert_close(read_result(client.infer(model.name, inputs, **said)), expected)


@pytest.mark.parametrize(
    ("said", "status", "words"), [({"sequence_id": 7}, "422", "sequence"), ({"timeout": 1}, "503", "time")]
)
def test_what_triton_could_ask_for_and_does_not_get(
    model: Model, said: dict[str, int], status: str, words: str
) -> None:
    with triton(model) as client, pytest.raises(InferenceServerException) as raised:
        client.infer(model.name, [to_infer_input(TENSOR)], **said)
    assert (raised.value.status(), words in raised.value.message()) == (status, True)


def test_explanations_come_as_tensors(model: Model) -> None:
    native = NATIVE.url(model).replace("/predictions/", "/explanations/")
    parameters = {"n_steps": 5}
    expected = post(native, json.dumps({"inputs": "a", "parameters": parameters}).encode(), JSON).json()
    body = {"inputs": [TENSOR.as_json()], "parameters": parameters}
    url = V2.url(model).replace("/infer", "/explain")
    (output,) = post(url, json.dumps(body).encode(), JSON).json()["outputs"]
    assert output["name"] == "explanations"
    assert largest_difference([json.loads(output["data"][0])], [expected]) < TOLERANCE
    refused = post(url, json.dumps({**body, "outputs": [{"name": "predictions"}]}).encode(), JSON)
    assert (refused.status_code, "explanations" in refused.json()["error"]) == (422, True)


@pytest.mark.parametrize("task", Task)
def test_metadata_names_what_a_request_needs(tasks_server: Server, task: Task) -> None:
    model = tasks_server.model(task)
    found = requests.get(f"{model.url}/predictions/{model.name}/{model.version}/v2", timeout=60).json()
    assert (found["name"], found["versions"]) == (model.name, [model.version])
    tensors = [
        {"name": each["name"], "datatype": each["datatype"], "shape": [1] * len(each["shape"]), "data": [KNOWN[task]]}
        for each in found["inputs"]
    ]
    parameters = {"candidate_labels": ["a", "b"]} if task.startswith("zero-shot") else {}
    answer = post(V2.url(model), json.dumps({"inputs": tensors, "parameters": parameters}).encode(), JSON)
    (output,) = answer.json()["outputs"]
    (named,) = found["outputs"]
    assert (output["name"], output["datatype"], len(output["shape"])) == (
        named["name"],
        named["datatype"],
        len(named["shape"]),
    )


def test_embeddings_come_as_the_same_float32(tasks_server: Server) -> None:
    vectors = tasks_server.model(Task.EMBEDDINGS)
    found = []
    for wanted in (True, False):
        with triton(vectors) as client:
            named = [InferRequestedOutput("embeddings", binary_data=wanted)]
            found.append(client.infer(vectors.name, [to_infer_input(TENSOR)], outputs=named).as_numpy("embeddings"))
    assert found[0].dtype == found[1].dtype == np.float32
    # Not to the last bit, which depends on what shares the batch; that JSON has all digits, the doors' own tests say.
    np.testing.assert_allclose(found[0], found[1], rtol=0, atol=1e-6)


def test_an_error_of_binary_tensors_is_json(model: Model) -> None:
    with triton(model) as client, pytest.raises(InferenceServerException) as raised:
        client.infer(model.name, [to_infer_input(Tensor(name="txt", shape=[1], data=["a"]), binary_data=True)])
    assert (raised.value.status(), "unknown input 'txt'" in raised.value.message()) == ("422", True)


# Tensors, the place of what is wrong with them, and a part of the message.
REFUSED: list[tuple[list[dict[str, Any]], str, str]] = [
    ([], "/inputs", ">= 1"),
    ([{**TEXT, "datatype": NASTY}], "/inputs/0/datatype", repr(NASTY)),
    ([{**TEXT, "shape": [3]}], "/inputs/0/data", "2 strings"),
    ([{**TEXT, "shape": [2, 2], "data": [["a"], ["b"]]}], "/inputs/0/data", "2 strings"),
    ([{**TEXT, "shape": []}], "/inputs/0/shape", "length >= 1"),
    ([{**TEXT, "shape": [1, 1, 2]}], "/inputs/0/shape", "length <= 2"),
    ([{**TEXT, "shape": [-2]}], "/inputs/0/shape/0", ">= 0"),
    ([{**TEXT, "shape": [2**62, 2**62]}], "/inputs/0/shape/0", "<= 2147483647"),
    ([{**TEXT, "name": 5}], "/inputs/0/name", "string"),
    ([{**TEXT, "more": 5}], "/inputs/0/more", "'more'"),
    ([TEXT, {**TEXT, "name": "text_pair", "shape": [1], "data": ["a"]}], "/inputs/1/shape", "row"),
    ([TEXT, TEXT], "/inputs/1/name", "two inputs"),
    ([{**TEXT, "data": ["a", ["b"]]}], "/inputs/0/data", "do not fit"),
    ([{**TEXT, "data": ["a", {"b": 1}]}], "/inputs/0/data/1", "string"),
]


@pytest.mark.parametrize(("tensors", "param", "says"), REFUSED)
def test_refused(model: Model, tensors: list[dict[str, Any]], param: str, says: str) -> None:
    *seen, message = refused(model, *tensors)
    assert seen == [422, "InvalidInput", param]
    assert says in message


@pytest.mark.parametrize(
    ("data", "status", "kind"),
    [("[1]", 422, "InvalidParameter"), ("{", 400, "NotParseable"), ("", 400, "NotParseable")],
)
def test_a_tensor_of_parameters_that_holds_none(model: Model, data: str, status: int, kind: str) -> None:
    tensor = Tensor(name="parameters", shape=[1], data=[data])
    assert refused(model, TEXT, tensor.as_json())[:2] == (status, kind)
    assert grpc_error(model, TENSOR_MESSAGE, to_message(tensor))[:2] == (status, kind)


def grpc_error(model: Model, *tensors: dict[str, Any], **fields: Any) -> tuple[int, str, str | None, str]:
    """Status, type, place and message."""
    error = infer(model, list(tensors), **fields).error
    assert error is not None
    code, kind, message, param = error.values()
    return code, kind, param, message


def test_grpc_bytes_that_are_no_text(model: Model) -> None:
    tensor = {**TENSOR_MESSAGE, "contents": {"bytes_contents": [b"\xff\xfe"]}}
    *seen, message = grpc_error(model, tensor)
    assert seen == [400, "NotParseable", "/inputs/0/data/0"]
    assert "UTF-8" in message


@pytest.mark.parametrize("datatype", ["FP32", NASTY])
def test_grpc_takes_no_numbers(model: Model, datatype: str) -> None:
    tensor = {**TENSOR_MESSAGE, "datatype": datatype, "contents": {"fp32_contents": [1.0]}}
    *seen, message = grpc_error(model, tensor)
    assert seen == [422, "InvalidInput", "/inputs/0/datatype"]
    assert repr(datatype) in message


def test_grpc_requests_that_are_hardly_any(model: Model) -> None:
    before = results(model, TEXT)
    assert grpc_error(model, {})[:2] == (422, "InvalidInput")
    assert grpc_error(model)[:3] == (422, "InvalidInput", "/inputs")
    assert_close(results(model, TEXT), before)
