"""What grpcurl does: asks the server which services it has, and calls one by what it was told; and health checks."""

from importlib.metadata import version as installed
from typing import Any

import grpc
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from tests.clients.call import Call
from tests.clients.place import TEXTS, Place

CLIENT = "grpcio-reflection, -health-checking"
SERVICE = "inference.GRPCInferenceService"
HEALTH = "grpc.health.v1.Health"


def version() -> str:
    """Of the first."""
    return installed("grpcio-reflection")


def _services(place: Place) -> list[str]:
    """Those that every client needs, as far as the server names them."""
    with grpc.insecure_channel(place.grpc) as channel:
        found = ProtoReflectionDescriptorDatabase(channel).get_services()
    return sorted(set(found) & {SERVICE, HEALTH})


def _infer(place: Place) -> Any:
    """ModelInfer by the descriptors that the server gives."""
    with grpc.insecure_channel(place.grpc) as channel:
        pool = DescriptorPool(ProtoReflectionDescriptorDatabase(channel))
        method = pool.FindServiceByName(SERVICE).FindMethodByName("ModelInfer")
        request, response = (GetMessageClass(message) for message in (method.input_type, method.output_type))
        call = channel.unary_unary(f"/{SERVICE}/ModelInfer", request.SerializeToString, response.FromString)
        contents = {"bytes_contents": [text.encode() for text in TEXTS]}
        text = {"name": "text", "datatype": "BYTES", "shape": [len(TEXTS)], "contents": contents}
        answer = call(request(model_name=place.model, inputs=[text]), timeout=60)
    (output,) = answer.outputs
    numbers, width = list(output.contents.fp32_contents), output.shape[-1]
    return [numbers[start : start + width] for start in range(0, len(numbers), width)]


def _check(place: Place, service: str) -> str:
    with grpc.insecure_channel(place.grpc) as channel:
        answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(service=service), timeout=20)
    return str(health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status))


CALLS = [
    Call(name="reflection: list services", ask=_services, expected=lambda _: sorted([SERVICE, HEALTH])),
    Call(
        name="reflection: ModelInfer by what it describes",
        ask=_infer,
        expected=lambda place: place.native(TEXTS),
    ),
    Call(
        name="grpc.health.v1, Check of the server",
        ask=lambda place: _check(place, ""),
        expected=lambda _: "SERVING",
    ),
    Call(
        name="grpc.health.v1, Check of inference.GRPCInferenceService",
        ask=lambda place: _check(place, SERVICE),
        expected=lambda _: "SERVING",
    ),
    Call(
        name="grpc.health.v1, Check of an unknown service",
        ask=lambda place: _check(place, "unknown"),
        refused="NOT_FOUND",
    ),
]
