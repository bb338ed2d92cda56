"""Through the front's own addresses: HAProxy, the gateway behind it, HAProxy's inner socket, TorchServe."""

from collections.abc import Iterator
from typing import Any

import grpc
import numpy as np
import openai
import pytest
from tritonclient.grpc import InferenceServerClient, InferInput
from tritonclient.utils import InferenceServerException

from handler.config import Task
from tests.support.clients.infer_grpc import infer, to_message
from tests.support.clients.tensors import Tensor
from tests.support.front.haproxy import needs_haproxy
from tests.support.servers import Server

pytestmark = [pytest.mark.server, needs_haproxy]


@pytest.fixture
def client(tasks_server: Server) -> Iterator[Any]:
    with InferenceServerClient(f"127.0.0.1:{tasks_server.grpc_port}") as opened:
        yield opened


def texts(*values: str) -> Any:
    data = np.array([value.encode() for value in values], dtype=np.object_)
    return InferInput("text", [len(values)], "BYTES").set_data_from_numpy(data)


def test_v2_over_grpc(client: Any) -> None:
    assert client.is_server_ready()
    assert client.is_model_ready(Task.EMBEDDINGS)
    vectors = client.infer(Task.EMBEDDINGS, [texts("a", "é😀")], client_timeout=60).as_numpy("embeddings")
    assert (vectors.dtype, vectors.shape[0]) == (np.float32, 2)


def test_the_models_metadata_is_the_handlers(client: Any) -> None:
    metadata = client.get_model_metadata(Task.TEXT_RANKING)
    assert (metadata.name, list(metadata.versions)) == (Task.TEXT_RANKING, ["1.0"])
    assert [each.name for each in metadata.inputs] == ["query", "texts"]
    (output,) = metadata.outputs
    assert (output.name, output.datatype) == ("predictions", "BYTES")


def test_a_deadline_that_is_too_short(client: Any) -> None:
    with pytest.raises(InferenceServerException) as raised:
        client.infer(Task.EMBEDDINGS, [texts(*["word " * 400] * 200)], client_timeout=0.001)
    assert raised.value.status() == str(grpc.StatusCode.DEADLINE_EXCEEDED)


def test_too_large_a_call_learns_why(client: Any) -> None:
    with pytest.raises(InferenceServerException, match="more than 1048576: send fewer inputs at once") as raised:
        client.infer(Task.EMBEDDINGS, [texts("x" * 5 * 2**20)])
    assert raised.value.status() == str(grpc.StatusCode.RESOURCE_EXHAUSTED)


def test_an_error_has_its_type_and_place(tasks_server: Server) -> None:
    answer = infer(tasks_server.model(Task.EMBEDDINGS), [to_message(Tensor(name="txt", shape=[1], data=["a"]))])
    assert answer.error is not None
    assert (answer.status, answer.error["type"], answer.error["param"]) == (422, "InvalidInput", "/inputs/0/name")


def test_openais_embeddings_at_the_root(tasks_server: Server) -> None:
    with openai.OpenAI(base_url=f"{tasks_server.inference_url}/v1", api_key="none", max_retries=0) as client:
        assert [model.id for model in client.models.list()] == list(Task)
        assert client.models.retrieve(Task.FILL_MASK).id == Task.FILL_MASK
        answer = client.embeddings.create(model=Task.EMBEDDINGS, input=[f"text {number}" for number in range(600)])
        assert [each.index for each in answer.data] == list(range(600))
        with pytest.raises(openai.NotFoundError, match="name one of embeddings, "):
            client.embeddings.create(model="text-embedding-3-small", input="a")
