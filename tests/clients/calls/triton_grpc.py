"""Triton's client over gRPC, which sends raw tensors alone."""

from collections.abc import Callable
from importlib.metadata import version as installed
from typing import Any

import numpy as np
from tritonclient.grpc import InferenceServerClient, InferInput

from tests.clients.call import Call
from tests.clients.place import TEXTS, Place

CLIENT = "tritonclient.grpc"


def version() -> str:
    """Of the package."""
    return installed("tritonclient")


def _with_client(ask: Callable[[InferenceServerClient, Place], Any]) -> Callable[[Place], Any]:
    def run(place: Place) -> Any:
        with InferenceServerClient(place.grpc) as client:
            return ask(client, place)

    return run


def _tensor(name: str, values: list[str]) -> InferInput:
    tensor = InferInput(name, [len(values)], "BYTES")
    tensor.set_data_from_numpy(np.array(values, dtype=object))
    return tensor


def _infer(**options: Any) -> Callable[[Place], Any]:
    def ask(client: InferenceServerClient, place: Place) -> Any:
        answer = client.infer(place.model, [_tensor("text", TEXTS)], client_timeout=60.0, **options)
        return answer.as_numpy("embeddings").tolist()

    return _with_client(ask)


def _wrong_tensor(client: InferenceServerClient, place: Place) -> Any:
    return client.infer(place.model, [_tensor("words", TEXTS)], client_timeout=60.0)


def _metadata(client: InferenceServerClient, place: Place) -> Any:
    found = client.get_model_metadata(place.model, as_json=True)
    return [found["name"], found["versions"], found["inputs"][0]["name"], found["outputs"][0]["name"]]


def _is_true(_: Place) -> bool:
    return True


def _native(place: Place) -> Any:
    return place.native(TEXTS)


CALLS = [
    Call(name="infer", ask=_infer(), expected=_native),
    Call(name="infer, model_version='1.0'", ask=_infer(model_version="1.0"), expected=_native),
    Call(name="infer, model_version='2'", ask=_infer(model_version="2"), refused="version|1.0"),
    Call(name="infer, priority=1, timeout=30000000", ask=_infer(priority=1, timeout=30_000_000), expected=_native),
    Call(name="infer, compression_algorithm='gzip'", ask=_infer(compression_algorithm="gzip"), expected=_native),
    Call(name="infer, a tensor of another name", ask=_with_client(_wrong_tensor), refused="words"),
    Call(name="infer, sequence_id=7", ask=_infer(sequence_id=7, sequence_start=True), refused="sequence_"),
    Call(name="is_server_live", ask=_with_client(lambda client, _: client.is_server_live()), expected=_is_true),
    Call(name="is_server_ready", ask=_with_client(lambda client, _: client.is_server_ready()), expected=_is_true),
    Call(
        name="is_model_ready",
        ask=_with_client(lambda client, place: client.is_model_ready(place.model)),
        expected=_is_true,
    ),
    Call(
        name="get_model_metadata",
        ask=_with_client(_metadata),
        expected=lambda place: [place.model, ["1.0"], "text", "embeddings"],
    ),
    Call(
        name="get_server_metadata",
        ask=_with_client(lambda client, _: bool(client.get_server_metadata().name)),
        expected=_is_true,
    ),
]
