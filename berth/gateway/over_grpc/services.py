"""The messages of the Open Inference Protocol over gRPC, and a pool of every service, for reflection.

TorchServe serves the protocol's messages under a package of its own. Here they have the protocol's, and the two kinds
of parameters that Triton's clients send beside: the same bytes as in tritonclient's and kserve's compiled messages.
"""

from functools import cache
from typing import Any

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
)
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2

from ...clients.grpc_client import DESCRIPTOR_SET, INFERENCE, OPEN_INFERENCE

V2_PACKAGE = "inference"
V2_SERVICE = f"{V2_PACKAGE}.GRPCInferenceService"
HEALTH_SERVICE = "grpc.health.v1.Health"
REFLECTION_SERVICE = "grpc.reflection.v1alpha.ServerReflection"
SERVICES = (V2_SERVICE, HEALTH_SERVICE, REFLECTION_SERVICE, INFERENCE, OPEN_INFERENCE)
"""What answers at the gRPC address, TorchServe's own services too."""
FILE = "open_inference_grpc.proto"
PARAMETERS_OF_TRITON = (
    ("double_param", 4, FieldDescriptorProto.TYPE_DOUBLE),
    ("uint64_param", 5, FieldDescriptorProto.TYPE_UINT64),
)


@cache
def load_pool() -> DescriptorPool:
    """Describe all services, in a pool of their own."""
    described = FileDescriptorSet.FromString(DESCRIPTOR_SET.read_bytes())
    files = {file.name: file for file in described.file}
    pool = DescriptorPool()
    for file in (*files.values(), _rename(files[FILE])):
        pool.Add(file)
    for module in (health_pb2, reflection_pb2):
        pool.AddSerializedFile(module.DESCRIPTOR.serialized_pb)
    return pool


def message_of(name: str) -> Any:
    """The class of one of the protocol's messages: `ModelInferRequest`."""
    return GetMessageClass(load_pool().FindMessageTypeByName(f"{V2_PACKAGE}.{name}"))


def _rename(torchserve: FileDescriptorProto) -> FileDescriptorProto:
    """TorchServe's file as the protocol has it."""
    file = FileDescriptorProto(name=f"{V2_PACKAGE}/{FILE}", package=V2_PACKAGE, syntax=torchserve.syntax)
    file.message_type.extend(torchserve.message_type)
    file.service.extend(torchserve.service)
    for message in file.message_type:
        _rename_fields(message, torchserve.package)
    for method in file.service[0].method:
        method.input_type, method.output_type = (
            _renamed(each, torchserve.package) for each in (method.input_type, method.output_type)
        )
    _add_parameters(next(message for message in file.message_type if message.name == "InferParameter"))
    return file


def _rename_fields(message: DescriptorProto, package: str) -> None:
    for field in (each for each in message.field if each.type_name):
        field.type_name = _renamed(field.type_name, package)
    for nested in message.nested_type:
        _rename_fields(nested, package)


def _renamed(name: str, package: str) -> str:
    return name.replace(f".{package}.", f".{V2_PACKAGE}.")


def _add_parameters(message: DescriptorProto) -> None:
    for name, number, kind in PARAMETERS_OF_TRITON:
        message.field.add(name=name, number=number, type=kind, label=FieldDescriptorProto.LABEL_OPTIONAL, oneof_index=0)
