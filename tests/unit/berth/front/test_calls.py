"""Calls of gRPC as clients begin and end them."""

import threading
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from grpc_health.v1.health_pb2 import HealthCheckRequest
from grpc_health.v1.health_pb2_grpc import HealthStub

from tests.support.front.fronted import Fronted

LIVE = "/inference.GRPCInferenceService/ServerLive"
CHECK = "/grpc.health.v1.Health/Check"
KEY = (("authorization", "Bearer open-sesame"),)
HELD_S = 0.5
WAIT_S = 30.0


@pytest.fixture
def channel(locked: Fronted) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(f"127.0.0.1:{locked.grpc_port}") as opened:
        yield opened


@pytest.mark.parametrize("method", [LIVE, CHECK])
def test_a_client_may_end_its_call_in_a_frame_of_its_own(channel: grpc.Channel, method: str) -> None:
    answered = threading.Event()

    def messages() -> Iterator[bytes]:
        yield b""
        answered.wait(HELD_S)  # HAProxy cancels a call that is answered now

    call: Any = channel.stream_unary(method).future(messages(), metadata=KEY, timeout=WAIT_S)
    call.add_done_callback(lambda _: answered.set())
    assert call.code() is grpc.StatusCode.OK, call.details()


@pytest.mark.parametrize("num_messages", [0, 2])
def test_a_call_of_the_protocol_has_one_message(channel: grpc.Channel, num_messages: int) -> None:
    with pytest.raises(grpc.RpcError) as raised:
        channel.stream_unary(LIVE)(iter([b""] * num_messages), metadata=KEY, timeout=WAIT_S)
    assert raised.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert f"the call has {num_messages} messages: send one" in raised.value.details()


@pytest.mark.parametrize(
    ("method", "says"),
    [
        ("inference.InferenceAPIsService/Nothing", "Nothing is not served here"),
        ("management.ManagementAPIsService/ListModels", "there is no service"),
    ],
)
def test_what_torchserve_does_not_answer_there_is_refused_in_words(
    channel: grpc.Channel, method: str, says: str
) -> None:
    with pytest.raises(grpc.RpcError) as raised:
        channel.unary_unary(f"/org.pytorch.serve.grpc.{method}")(b"", metadata=KEY, timeout=WAIT_S)
    assert raised.value.code() is grpc.StatusCode.UNIMPLEMENTED
    assert says in raised.value.details()


def test_a_call_for_health_may_be_compressed(channel: grpc.Channel) -> None:
    service = HealthCheckRequest(service="x" * 500)
    with pytest.raises(grpc.RpcError) as raised:
        HealthStub(channel).Check(service, compression=grpc.Compression.Gzip, timeout=WAIT_S)
    assert raised.value.code() is grpc.StatusCode.NOT_FOUND
