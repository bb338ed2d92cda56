"""`python -m tests.fuzz.protos`: every call of every service on the gRPC address, many times, with odd fields.

Messages are made by their descriptors, so a call that a newer TorchServe adds is sent too. Whatever comes back is fine,
but the model's worker has to be the one that it was, and good requests in between have to be answered.
"""

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator
from random import Random
from typing import Annotated, Any

import grpc
import typer
from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor
from google.protobuf.message_factory import GetMessageClass

from berth.clients.grpc_client import GrpcClient
from berth.gateway.over_grpc.services import SERVICES, load_pool
from tests.support.servers import Server

from .models import serving_every_target

CALL_S = 10.0
WATCHING = ("Watch", "ServerReflectionInfo")  # they end when their client does
TEXTS = ("", "bert", "1.0", "9.9", "\r\n", "größe", "x" * 2000, '{"inputs": "hello world"}')
BYTES = (b"", b"hello world", b'{"inputs": "hello world"}', b"\0\xff", b"x" * 2000)
NUMBERS = (0, 1, -1, 2**31 - 1, -(2**31))
VALUES: dict[int, Callable[[Random], object]] = {
    FieldDescriptor.CPPTYPE_STRING: lambda rng: rng.choice(TEXTS),
    FieldDescriptor.CPPTYPE_BOOL: lambda rng: rng.random() < 0.5,
    FieldDescriptor.CPPTYPE_INT32: lambda rng: rng.choice(NUMBERS),
    FieldDescriptor.CPPTYPE_INT64: lambda rng: rng.choice(NUMBERS),
    FieldDescriptor.CPPTYPE_UINT32: lambda rng: rng.choice(NUMBERS[:2]),
    FieldDescriptor.CPPTYPE_UINT64: lambda rng: rng.choice(NUMBERS[:2]),
    FieldDescriptor.CPPTYPE_FLOAT: lambda rng: rng.choice((0.0, -1.5, float("nan"))),
    FieldDescriptor.CPPTYPE_DOUBLE: lambda rng: rng.choice((0.0, -1.5, float("inf"))),
    FieldDescriptor.CPPTYPE_ENUM: lambda rng: 0,
}


def methods() -> Iterator[MethodDescriptor]:
    """Every call of every service, TorchServe's StreamPredictions2 among them."""
    pool = load_pool()
    for service in SERVICES:
        yield from pool.FindServiceByName(service).methods


def make_message(rng: Random, descriptor: Any, depth: int = 0) -> Any:
    """A message with some of its fields set, the model's name right more often than not."""
    message = GetMessageClass(descriptor)()
    for field in descriptor.fields:
        if field.name in ("model_name", "name") and depth == 0 and rng.random() < 0.7:
            setattr(message, field.name, "bert")
        elif rng.random() < 0.6 and depth < 4:
            _fill(rng, message, field, depth)
    return message


def _fill(rng: Random, message: Any, field: Any, depth: int) -> None:
    if field.message_type and field.message_type.GetOptions().map_entry:
        _fill_map(rng, getattr(message, field.name), field, depth)
    elif field.message_type and field.is_repeated:
        getattr(message, field.name).extend(make_message(rng, field.message_type, depth + 1) for _ in range(2))
    elif field.message_type:
        getattr(message, field.name).CopyFrom(make_message(rng, field.message_type, depth + 1))
    elif field.is_repeated:
        getattr(message, field.name).extend(_value(rng, field) for _ in range(rng.randint(0, 3)))
    else:
        setattr(message, field.name, _value(rng, field))


def _fill_map(rng: Random, entries: Any, field: Any, depth: int) -> None:
    key, value = (field.message_type.fields_by_name[name] for name in ("key", "value"))
    for _ in range(rng.randint(0, 2)):
        if value.message_type:
            entries[_value(rng, key)].CopyFrom(make_message(rng, value.message_type, depth + 1))
        else:
            entries[_value(rng, key)] = _value(rng, value)


def _value(rng: Random, field: Any) -> Any:
    return rng.choice(BYTES) if field.type == FieldDescriptor.TYPE_BYTES else VALUES[field.cpp_type](rng)


def call(channel: grpc.Channel, method: MethodDescriptor, rng: Random) -> str:
    """Send a call one to three messages; the name of the status that ended it."""
    path = f"/{method.containing_service.full_name}/{method.name}"
    messages = [
        make_message(rng, method.input_type) for _ in range(rng.randint(1, 3) if method.client_streaming else 1)
    ]
    answers = channel.stream_stream(path)(
        iter([message.SerializeToString() for message in messages]), timeout=1.0 if method.name in WATCHING else CALL_S
    )
    with contextlib.suppress(grpc.RpcError):
        list(answers)
    return str(answers.code().name)


def run(server: Server, calls: int, seed: int = 1) -> dict[str, Counter[str]]:
    """Send every call that often; AssertionError where a worker was lost or a good request is not answered."""
    before = server.worker_pids()
    outcomes: dict[str, Counter[str]] = {}
    with (
        grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}") as channel,
        GrpcClient(f"127.0.0.1:{server.grpc_port}") as good,
    ):
        for method in methods():
            rng = Random(f"{seed}:{method.full_name}")
            number = 3 if method.name in WATCHING else calls
            outcomes[method.full_name] = Counter(call(channel, method, rng) for _ in range(number))
            assert len(good.predict("hello world", model="bert")), method.full_name
            assert server.worker_pids() == before, f"{method.full_name} ended the worker"
    return outcomes


def main(calls: Annotated[int, typer.Option(min=1, help="How often each is sent.")] = 1000) -> None:
    """Print what became of each call; exit code 1 where a worker was lost."""
    with serving_every_target() as server:
        outcomes = run(server, calls)
    for name, counts in outcomes.items():
        print(f"{name:75} {', '.join(f'{status} {count}' for status, count in counts.most_common())}")


if __name__ == "__main__":
    typer.run(main)
