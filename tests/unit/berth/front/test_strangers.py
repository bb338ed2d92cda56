"""What calls of gRPC without a key may take of the gateway's memory."""

from collections.abc import Iterator
from typing import Any

import grpc
import psutil
import pytest
from grpc_health.v1.health_pb2 import HealthCheckRequest
from grpc_health.v1.health_pb2_grpc import HealthStub
from tritonclient.grpc.service_pb2 import ModelInferRequest
from tritonclient.grpc.service_pb2_grpc import GRPCInferenceServiceStub

from berth.wait import wait_until
from tests.support.front.fronted import Fronted

LONG = "x" * 15_000_000
NUM_CALLS = 30
MIB = 2**20
WAIT_S = 180.0  # 900 MB, on a busy machine
UNAUTHENTICATED = grpc.StatusCode.UNAUTHENTICATED


@pytest.fixture
def channel(locked: Fronted) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(f"127.0.0.1:{locked.grpc_port}") as opened:
        yield opened


def test_long_calls_without_a_key_fill_no_memory(locked: Fronted, channel: grpc.Channel) -> None:
    gateway = psutil.Process(locked.front.gateway.pid)
    before, most = gateway.memory_info().rss, 0
    infer, check = GRPCInferenceServiceStub(channel).ModelInfer, HealthStub(channel).Check
    calls: list[Any] = [infer.future(ModelInferRequest(model_name=LONG)) for _ in range(NUM_CALLS)]
    calls += [check.future(HealthCheckRequest(service=LONG)) for _ in range(NUM_CALLS)]

    def is_over() -> bool:
        nonlocal most
        most = max(most, gateway.memory_info().rss)
        return all(call.done() for call in calls)

    assert wait_until(is_over, WAIT_S)
    # Who still sends after 5 s is cut off, and on a busy machine all do; a long question for health gets HTTP's 413.
    assert {call.code() for call in calls} <= {grpc.StatusCode.CANCELLED, grpc.StatusCode.UNKNOWN, UNAUTHENTICATED}
    with pytest.raises(grpc.RpcError) as told:
        infer(ModelInferRequest(), timeout=WAIT_S)
    assert told.value.code() is UNAUTHENTICATED
    assert (most - before) / MIB < 300


def test_a_call_for_health_needs_no_key(channel: grpc.Channel) -> None:
    HealthStub(channel).Check(HealthCheckRequest(), timeout=WAIT_S)
    first = next(iter(HealthStub(channel).Watch(HealthCheckRequest(), timeout=WAIT_S)))
    assert first.status
