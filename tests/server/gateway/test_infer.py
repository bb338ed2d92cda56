"""v2 over gRPC, as tritonclient asks it."""

import json
from collections.abc import Iterator
from typing import Any

import grpc
import numpy as np
import pytest
from tritonclient.grpc import InferenceServerClient, InferInput, InferRequestedOutput, service_pb2
from tritonclient.grpc.service_pb2_grpc import GRPCInferenceServiceStub
from tritonclient.utils import InferenceServerException

from handler.config import Task
from tests.support.clients.infer_rest import V2
from tests.support.equality.compare import largest_difference
from tests.support.front.gateway import Gateway
from tests.support.servers import Server

pytestmark = pytest.mark.server

TOLERANCE = 1e-6
TEXTS = ["is it open", "é😀", ""]
TEXT = {"name": "text", "shape": [3], "datatype": "BYTES", "data": TEXTS}


@pytest.fixture
def client(gateway: Gateway) -> Iterator[Any]:
    with InferenceServerClient(gateway.grpc_target) as opened:
        yield opened


@pytest.fixture
def stub(gateway: Gateway) -> Iterator[Any]:
    with grpc.insecure_channel(gateway.grpc_target) as channel:
        yield GRPCInferenceServiceStub(channel)


def texts(name: str = "text", values: list[str] | None = None, shape: list[int] | None = None) -> Any:
    data = np.array([value.encode() for value in values or TEXTS], dtype=np.object_).reshape(shape or [-1])
    return InferInput(name, list(data.shape), "BYTES").set_data_from_numpy(data)


def message(model: str, **fields: Any) -> Any:
    """A request with contents, as clients that do not send raw bytes write it."""
    tensor = service_pb2.ModelInferRequest.InferInputTensor(name="text", datatype="BYTES", shape=[3])
    tensor.contents.bytes_contents.extend(text.encode() for text in TEXTS)
    return service_pb2.ModelInferRequest(model_name=model, inputs=[tensor], **fields)


def over_rest(server: Server, task: Task, *tensors: dict[str, Any], **fields: Any) -> list[Any]:
    results = V2.ask(server.model(task), {"inputs": tensors, **fields}).results
    assert results is not None
    return results


def test_vectors_are_rests_own_raw_and_in_contents(client: Any, stub: Any, tasks_server: Server) -> None:
    expected = over_rest(tasks_server, Task.EMBEDDINGS, TEXT)
    raw = client.infer(Task.EMBEDDINGS, [texts()], request_id="7é")
    np.testing.assert_allclose(raw.as_numpy("embeddings"), expected, rtol=0, atol=TOLERANCE)
    response = raw.get_response()
    assert (response.id, response.model_name, response.model_version) == ("7é", Task.EMBEDDINGS, "1.0")
    answer = stub.ModelInfer(message(Task.EMBEDDINGS))
    (output,) = answer.outputs
    assert not answer.raw_output_contents
    rows = np.array(output.contents.fp32_contents).reshape(output.shape)
    np.testing.assert_allclose(rows, expected, rtol=0, atol=TOLERANCE)


def test_labels_are_rests_own_raw_and_in_contents(client: Any, stub: Any, tasks_server: Server) -> None:
    task = Task.TEXT_CLASSIFICATION
    expected = over_rest(tasks_server, task, TEXT, parameters={"top_k": 2})
    named = [InferRequestedOutput("predictions")]
    raw = client.infer(task, [texts()], outputs=named, parameters={"top_k": 2}).as_numpy("predictions")
    assert largest_difference([json.loads(each) for each in raw], expected) < TOLERANCE
    request = message(task, parameters={"top_k": service_pb2.InferParameter(int64_param=2)})
    (output,) = stub.ModelInfer(request).outputs
    assert largest_difference([json.loads(each) for each in output.contents.bytes_contents], expected) < TOLERANCE


def test_two_tensors_make_an_input(client: Any, tasks_server: Server) -> None:
    task = Task.TEXT_RANKING
    query = {"name": "query", "shape": [1], "datatype": "BYTES", "data": ["a"]}
    several = {"name": "texts", "shape": [1, 2], "datatype": "BYTES", "data": ["b", "c"]}
    expected = over_rest(tasks_server, task, query, several)
    raw = client.infer(task, [texts("query", ["a"]), texts("texts", ["b", "c"], [1, 2])]).as_numpy("predictions")
    assert largest_difference([json.loads(each) for each in raw], expected) < TOLERANCE


def test_the_version_may_be_named(client: Any) -> None:
    assert client.infer(Task.EMBEDDINGS, [texts()], model_version="1.0").as_numpy("embeddings") is not None


# What is asked, gRPC's code, and a part of the message.
TOO_LARGE = grpc.StatusCode.RESOURCE_EXHAUSTED
REFUSED: list[tuple[dict[str, Any], grpc.StatusCode, str]] = [
    ({"model_name": "none"}, grpc.StatusCode.NOT_FOUND, "no model 'none' here: this server has embeddings, "),
    ({"model_version": "9"}, grpc.StatusCode.NOT_FOUND, "no version '9' of embeddings here: .* version 1.0$"),
    ({"inputs": [texts("txt")]}, grpc.StatusCode.INVALID_ARGUMENT, "unknown input 'txt'; embeddings takes"),
    ({"parameters": {"top_k": 2}}, grpc.StatusCode.INVALID_ARGUMENT, "unknown parameter 'top_k'|'top_k'"),
    ({"outputs": [InferRequestedOutput("o")]}, grpc.StatusCode.INVALID_ARGUMENT, "unknown output 'o'"),
    ({"inputs": [texts(values=["x"] * 300)]}, TOO_LARGE, "256"),
    (
        {"inputs": [texts(values=["x" * 2**20])]},
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        "bytes, more than 1048576: send",
    ),
]


@pytest.mark.parametrize(("fields", "code", "says"), REFUSED)
def test_refused(client: Any, fields: dict[str, Any], code: grpc.StatusCode, says: str) -> None:
    with pytest.raises(InferenceServerException, match=says) as raised:
        client.infer(**{"model_name": Task.EMBEDDINGS, "inputs": [texts()], **fields})
    assert raised.value.status() == str(code)


def test_numbers_are_refused_by_their_datatype(client: Any) -> None:
    numbers = InferInput("text", [2], "INT64").set_data_from_numpy(np.array([101, 102]))
    with pytest.raises(InferenceServerException, match="INT64"):
        client.infer(Task.EMBEDDINGS, [numbers])


def test_raw_contents_that_are_not_one_for_each_input(stub: Any) -> None:
    for request in (message(Task.EMBEDDINGS, raw_input_contents=[b"\1\0\0\0a"]), message(Task.EMBEDDINGS)):
        if not request.raw_input_contents:
            request.inputs[0].ClearField("contents")
            request.raw_input_contents.extend([b"", b""])
        with pytest.raises(grpc.RpcError) as raised:
            stub.ModelInfer(request)
        assert raised.value.code() == grpc.StatusCode.INVALID_ARGUMENT
        assert "send one for each input and no contents, or contents alone" in raised.value.details()


def test_a_message_that_is_none_costs_a_sentence(gateway: Gateway, stub: Any) -> None:
    with grpc.insecure_channel(gateway.grpc_target) as channel, pytest.raises(grpc.RpcError) as raised:
        channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")(b"\xff\xff\xff")
    assert raised.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert "no ModelInferRequest" in raised.value.details()
    assert stub.ServerLive(service_pb2.ServerLiveRequest()).live


def test_many_at_once_get_their_own_answers(stub: Any, tasks_server: Server) -> None:
    expected = over_rest(tasks_server, Task.EMBEDDINGS, TEXT)
    calls = [stub.ModelInfer.future(message(Task.EMBEDDINGS, id=str(number))) for number in range(200)]
    for number, call in enumerate(calls):
        answer = call.result()
        assert answer.id == str(number)
        rows = np.array(answer.outputs[0].contents.fp32_contents).reshape(3, -1)
        np.testing.assert_allclose(rows, expected, rtol=0, atol=1e-5)
