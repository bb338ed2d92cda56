"""What a client asks before it sends anything: health, readiness, reflection, over gRPC and HTTP."""

from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from tritonclient.grpc import InferenceServerClient
from tritonclient.utils import InferenceServerException

import berth
from handler.config import Task
from tests.support.front.gateway import Gateway, running_gateway

pytestmark = pytest.mark.server

TORCHSERVE = "org.pytorch.serve.grpc.inference.InferenceAPIsService"
V2 = "inference.GRPCInferenceService"


@pytest.fixture
def channel(gateway: Gateway) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(gateway.grpc_target) as opened:
        yield opened


@pytest.fixture
def client(gateway: Gateway) -> Iterator[Any]:
    with InferenceServerClient(gateway.grpc_target) as opened:
        yield opened


@pytest.fixture(scope="module")
def lonely() -> Iterator[Gateway]:
    """A gateway with nobody behind it."""
    with running_gateway("http://127.0.0.1:9", "http://127.0.0.1:9", {"bert": ["1.0"]}) as running:
        yield running


def test_live_and_ready(client: Any) -> None:
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready(Task.EMBEDDINGS)
    assert client.is_model_ready(Task.EMBEDDINGS, "1.0")
    metadata = client.get_server_metadata()
    assert (metadata.name, metadata.version) == ("berth", berth.__version__)
    with pytest.raises(InferenceServerException, match="no model 'none' here") as raised:
        client.is_model_ready("none")
    assert raised.value.status() == str(grpc.StatusCode.NOT_FOUND)


@pytest.mark.parametrize("service", ["", V2, TORCHSERVE])
def test_health_of_every_service(channel: grpc.Channel, service: str) -> None:
    stub = health_pb2_grpc.HealthStub(channel)
    request = health_pb2.HealthCheckRequest(service=service)
    assert stub.Check(request).status == health_pb2.HealthCheckResponse.SERVING
    watch = stub.Watch(request)
    assert next(watch).status == health_pb2.HealthCheckResponse.SERVING
    watch.cancel()


def test_health_of_a_service_that_is_not_here(channel: grpc.Channel) -> None:
    stub = health_pb2_grpc.HealthStub(channel)
    request = health_pb2.HealthCheckRequest(service="none")
    with pytest.raises(grpc.RpcError) as raised:
        stub.Check(request)
    assert raised.value.code() == grpc.StatusCode.NOT_FOUND
    watch = stub.Watch(request)
    assert next(watch).status == health_pb2.HealthCheckResponse.SERVICE_UNKNOWN
    watch.cancel()


def test_nobody_behind_it_is_not_ready(lonely: Gateway) -> None:
    with grpc.insecure_channel(lonely.grpc_target) as channel:
        answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
    assert answer.status == health_pb2.HealthCheckResponse.NOT_SERVING
    with InferenceServerClient(lonely.grpc_target) as client:
        assert client.is_server_live()
        assert not client.is_server_ready()
        with pytest.raises(InferenceServerException, match="does not answer: send the request again") as raised:
            client.get_model_metadata("bert")
    assert raised.value.status() == str(grpc.StatusCode.UNAVAILABLE)


def test_reflection_describes_every_service(channel: grpc.Channel) -> None:
    database = ProtoReflectionDescriptorDatabase(channel)
    assert {V2, TORCHSERVE, "grpc.health.v1.Health"} < set(database.get_services())
    pool = DescriptorPool(database)
    methods = {name: [each.name for each in pool.FindServiceByName(name).methods] for name in (V2, TORCHSERVE)}
    assert "ModelInfer" in methods[V2]
    assert "Predictions" in methods[TORCHSERVE]


@pytest.mark.parametrize(
    ("path", "says"),
    [
        (f"/{V2}/ModelStreamInfer", "every answer is one message: use ModelInfer"),
        ("/grpc.health.v1.Health/List", "has Check and Watch"),
        (f"/{V2}/RepositoryIndex", "RepositoryIndex is not served here"),
        ("/none.Service/Call", f"no service 'none.Service' here: this server has {V2}"),
    ],
)
def test_other_calls_are_refused_in_words(channel: grpc.Channel, path: str, says: str) -> None:
    with pytest.raises(grpc.RpcError) as raised:
        channel.unary_unary(path)(b"")
    assert raised.value.code() == grpc.StatusCode.UNIMPLEMENTED
    assert says in raised.value.details()
