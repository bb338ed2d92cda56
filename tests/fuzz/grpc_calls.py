"""Requests for the doors over gRPC: TorchServe's own calls, and Open Inference's ModelInfer. Pure."""

from collections.abc import Callable
from random import Random
from typing import Any

from berth.clients.grpc_client import INFERENCE
from tests.support.clients.infer_grpc import MODEL_INFER, to_messages

from .make.bodies import native
from .make.inputs import make_inputs, make_parameters
from .make.mutations import change_text, change_value
from .make.requests import GrpcRequest
from .make.values import STRINGS, encode, make_string
from .models import Target

KEYS = ("body", "data", "explain", "url_path", "content-type", "describe", "ts_stream_next", "\r\n", "", "😀")
DATATYPES = ("", "STRING", "FP32", "INT64", "BOOL", "FP16", "UINT8", "\r\n", "bytes", "x" * 300)
SHAPES: tuple[list[int], ...] = (
    [],
    [0],
    [-1],
    [2],
    [1, 1],
    [1, 2],
    [1, 1, 1],
    [2**62],
    [2**32, 2**32],
    [-(2**63)],
    [1] * 50,
)
CONTENTS: tuple[dict[str, list[Any]], ...] = (
    {},
    {"bytes_contents": []},
    {"bytes_contents": [b"\xff\xfe"]},
    {"bytes_contents": [b""]},
    {"bytes_contents": [b"a\0b\r\n"]},
    {"bytes_contents": [b"x"] * 257},
    {"bytes_contents": [b"x" * 1_000_000]},
    {"bytes_contents": [b"{}"]},
    {"bytes_contents": [b"[" * 100_000]},
    {"fp32_contents": [float("nan"), float("inf"), 1e38]},
    {"fp64_contents": [1e308]},
    {"int64_contents": [-(2**63)]},
    {"uint64_contents": [2**64 - 1]},
    {"bool_contents": [True]},
    {"int_contents": [1], "bytes_contents": [b"x"]},
)
SENDABLE = tuple(text for text in STRINGS if not any("\ud800" <= character <= "\udfff" for character in text))
PARAMETERS_IN_A_TENSOR = (
    b"",
    b"null",
    b"[]",
    b"{",
    b'{"top_k": 1e999}',
    b'{"\\ud800": 1}',
    b'{"top_k": [], "x\\r\\n": 1, "truncation": "yes"}',
)
PARAMETERS: tuple[dict[str, Any], ...] = (
    {},
    {"top_k": {"int64_param": 1}},
    {"\r\n": {"string_param": "\r\n"}},
    {"x": {}},
)


def make_predictions(rng: Random, target: Target, door: str) -> GrpcRequest:
    """The native JSON, or one text, in the map of inputs."""
    method = f"{INFERENCE}.{'StreamPredictions' if door == 'gRPC stream' else 'Predictions'}"
    value, num_changes = native(rng, target), rng.choice((0, 0, 1, 1, 2))
    body = encode(change_value(rng, value) if num_changes else value)
    fields: dict[str, Any] = {"model_name": target.name, "input": {"body": body}}
    if num_changes:
        rng.choice((_change_body, _change_body, _change_inputs, _change_model))(rng, fields)
    return GrpcRequest(door=door, target=target, method=method, fields=fields, is_good=not num_changes)


def _change_body(rng: Random, fields: dict[str, Any]) -> None:
    if rng.random() < 0.6:
        fields["input"] = {"body": change_text(rng, fields["input"]["body"])}


def _change_inputs(rng: Random, fields: dict[str, Any]) -> None:
    kept = fields["input"] if rng.random() < 0.5 else {}
    added = {rng.choice(KEYS): _to_bytes(rng) for _ in range(rng.choice((0, 1, 1, 2)))}
    fields["input"] = {**kept, **added}


def _to_bytes(rng: Random) -> bytes:
    return make_string(rng).encode("utf-8", "surrogatepass")


def _change_model(rng: Random, fields: dict[str, Any]) -> None:
    fields[rng.choice(("model_name", "model_version"))] = rng.choice(("1.0", "9.9", *SENDABLE))


def make_infer(rng: Random, target: Target, door: str) -> GrpcRequest:
    """Tensors, good or changed."""
    tensors = to_messages(make_inputs(rng, target.task), make_parameters(rng, target))
    fields: dict[str, Any] = {"model_name": target.name, "inputs": tensors, "id": rng.choice(("", "7", "\r\n"))}
    num_changes = rng.choice((0, 0, 1, 1, 2))
    for _ in range(num_changes):
        rng.choice(INFER_CHANGES)(rng, fields)
    return GrpcRequest(door=door, target=target, method=MODEL_INFER, fields=fields, is_good=not num_changes)


def _change_tensor(rng: Random, fields: dict[str, Any]) -> None:
    if not fields["inputs"]:
        return
    tensor = rng.choice(fields["inputs"])
    name, values = rng.choice(
        (
            ("name", (*SENDABLE, "parameters", "text")),
            ("datatype", DATATYPES),
            ("shape", SHAPES),
            ("contents", CONTENTS),
        )
    )
    tensor[name] = rng.choice(values)


def _change_list(rng: Random, fields: dict[str, Any]) -> None:
    tensors = fields["inputs"]
    fields["inputs"] = rng.choice(([], tensors * 2, tensors[1:], tensors[:1], tensors * 100))


def _add_parameters(rng: Random, fields: dict[str, Any]) -> None:
    contents = {"bytes_contents": [rng.choice(PARAMETERS_IN_A_TENSOR)]}
    tensor = {"name": "parameters", "shape": [1], "datatype": "BYTES", "contents": contents}
    fields["inputs"] = [*fields["inputs"], tensor]


def _change_request(rng: Random, fields: dict[str, Any]) -> None:
    name, values = rng.choice(
        (
            ("raw_input_contents", ([b""], [b"\4\0\0\0text"], [b"x"] * 3)),
            ("parameters", PARAMETERS),
            ("outputs", ([{"name": ""}], [{"name": "\r\n"}], [{"name": "embeddings"}])),
            ("id", (*SENDABLE, "x" * 100_000)),
            ("model_version", ("1.0", "9.9", "\r\n")),
            ("model_name", ("none", "", "\r\n")),
        )
    )
    fields[name] = rng.choice(values)


INFER_CHANGES: tuple[Callable[[Random, dict[str, Any]], None], ...] = (
    _change_tensor,
    _change_tensor,
    _change_tensor,
    _change_list,
    _add_parameters,
    _change_request,
)
