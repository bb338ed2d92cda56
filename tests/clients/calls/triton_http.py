"""Triton's client over HTTP, whose default is binary tensors."""

from collections.abc import Callable
from importlib.metadata import version as installed
from typing import Any

import numpy as np
from tritonclient.http import InferenceServerClient, InferInput, InferRequestedOutput

from tests.clients.call import Call
from tests.clients.place import TEXTS, Place

CLIENT = "tritonclient.http"


def version() -> str:
    """Of the package."""
    return installed("tritonclient")


def _with_client(ask: Callable[[InferenceServerClient, Place], Any]) -> Callable[[Place], Any]:
    def run(place: Place) -> Any:
        with InferenceServerClient(place.url.removeprefix("http://"), network_timeout=60.0) as client:
            return ask(client, place)

    return run


def _infer(*, binary: bool = True, **options: Any) -> Callable[[Place], Any]:
    """Infers, the tensors as bytes both ways or as JSON both ways."""

    def ask(client: InferenceServerClient, place: Place) -> Any:
        text = InferInput("text", [len(TEXTS)], "BYTES")
        text.set_data_from_numpy(np.array(TEXTS, dtype=object), binary_data=binary)
        outputs = None if binary else [InferRequestedOutput("embeddings", binary_data=False)]
        return client.infer(place.model, [text], outputs=outputs, **options).as_numpy("embeddings").tolist()

    return _with_client(ask)


def _metadata(client: InferenceServerClient, place: Place) -> Any:
    found = client.get_model_metadata(place.model)
    return [found["name"], [(each["name"], each["datatype"]) for each in found["inputs"] + found["outputs"]][:1]]


def _is_true(_: Place) -> bool:
    return True


def _native(place: Place) -> Any:
    return place.native(TEXTS)


CALLS = [
    Call(name="infer, binary (its default)", ask=_infer(), expected=_native),
    Call(name="infer, JSON", ask=_infer(binary=False), expected=_native),
    Call(name="infer, model_version='1.0'", ask=_infer(model_version="1.0"), expected=_native),
    Call(name="infer, model_version='2'", ask=_infer(model_version="2"), refused="version|1.0"),
    Call(
        name="infer, request_compression_algorithm='gzip'",
        ask=_infer(request_compression_algorithm="gzip"),
        expected=_native,
    ),
    Call(
        name="infer, response_compression_algorithm='gzip'",
        ask=_infer(response_compression_algorithm="gzip"),
        expected=_native,
    ),
    Call(name="infer, priority=1, timeout=30000000", ask=_infer(priority=1, timeout=30_000_000), expected=_native),
    Call(
        name="infer, sequence_id=7",
        ask=_infer(sequence_id=7, sequence_start=True, sequence_end=True),
        refused="sequence_",
    ),
    Call(name="is_server_live", ask=_with_client(lambda client, _: client.is_server_live()), expected=_is_true),
    Call(name="is_server_ready", ask=_with_client(lambda client, _: client.is_server_ready()), expected=_is_true),
    Call(
        name="is_model_ready",
        ask=_with_client(lambda client, place: client.is_model_ready(place.model)),
        expected=_is_true,
    ),
    Call(
        name="is_model_ready, model_version='1.0'",
        ask=_with_client(lambda client, place: client.is_model_ready(place.model, "1.0")),
        expected=_is_true,
    ),
    Call(
        name="is_model_ready of an unknown model",
        ask=_with_client(lambda client, _: client.is_model_ready("unknown")),
        expected=lambda _: False,
    ),
    Call(
        name="get_model_metadata",
        ask=_with_client(_metadata),
        expected=lambda place: [place.model, [("text", "BYTES")]],
    ),
    Call(
        name="get_server_metadata",
        ask=_with_client(lambda client, _: "name" in client.get_server_metadata()),
        expected=_is_true,
    ),
]
