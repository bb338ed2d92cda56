"""The protocol's messages, field by field beside those that tritonclient was compiled with."""

from typing import Any

import pytest
from tritonclient.grpc import service_pb2

from berth.gateway.over_grpc.services import V2_PACKAGE, V2_SERVICE, load_pool

MESSAGES = [
    *(f"{call}{kind}" for call in ("ServerLive", "ServerReady", "ModelReady") for kind in ("Request", "Response")),
    *(
        f"{call}{kind}"
        for call in ("ServerMetadata", "ModelMetadata", "ModelInfer")
        for kind in ("Request", "Response")
    ),
    *("InferParameter", "InferTensorContents", "ModelMetadataResponse.TensorMetadata"),
    *("ModelInferRequest.InferInputTensor", "ModelInferRequest.InferRequestedOutputTensor"),
    "ModelInferResponse.InferOutputTensor",
]


@pytest.mark.parametrize("name", MESSAGES)
def test_fields_are_the_same_on_the_wire(name: str) -> None:
    ours = load_pool().FindMessageTypeByName(f"{V2_PACKAGE}.{name}")
    theirs = service_pb2.DESCRIPTOR.pool.FindMessageTypeByName(f"{V2_PACKAGE}.{name}")
    assert {field.name: describe(field) for field in ours.fields} == {
        field.name: describe(field) for field in theirs.fields
    }


def describe(field: Any) -> tuple[int, int, bool, str | None]:
    message = field.message_type
    return field.number, field.type, field.is_repeated, message.full_name if message else None


def test_calls_take_and_give_the_same_messages() -> None:
    service = load_pool().FindServiceByName(V2_SERVICE)
    theirs = service_pb2.DESCRIPTOR.services_by_name["GRPCInferenceService"]
    for method in service.methods:
        there = theirs.methods_by_name[method.name]
        assert method.input_type.full_name == there.input_type.full_name
        assert method.output_type.full_name == there.output_type.full_name
