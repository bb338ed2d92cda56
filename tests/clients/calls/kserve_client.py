"""KServe's own clients: REST in both versions of its protocol, and gRPC."""

import asyncio
from collections.abc import Awaitable, Callable
from importlib.metadata import version as installed
from typing import Any

import numpy as np
from kserve import InferenceGRPCClient, InferenceRESTClient, InferInput, InferRequest
from kserve.inference_client import RESTConfig

from tests.clients.call import Call
from tests.clients.place import TEXTS, Place

CLIENT = "kserve"


def version() -> str:
    """Of the package."""
    return installed("kserve")


def _rest(protocol: str, ask: Callable[[InferenceRESTClient, Place], Awaitable[Any]]) -> Callable[[Place], Any]:
    async def run(place: Place) -> Any:
        client = InferenceRESTClient(RESTConfig(protocol=protocol))
        try:
            return await ask(client, place)
        finally:
            await client.close()

    return lambda place: asyncio.run(run(place))


def _grpc(ask: Callable[[InferenceGRPCClient, Place], Awaitable[Any]]) -> Callable[[Place], Any]:
    async def run(place: Place) -> Any:
        async with InferenceGRPCClient(place.grpc) as client:
            return await ask(client, place)

    return lambda place: asyncio.run(run(place))


def _request(place: Place, *, binary: bool) -> InferRequest:
    """Texts as bytes behind the JSON or in raw_input_contents, or as values."""
    text = InferInput("text", [len(TEXTS)], "BYTES")
    if binary:
        text.set_data_from_numpy(np.array(TEXTS, dtype=object), binary_data=True)
    else:
        text.data = [value.encode() for value in TEXTS]
    return InferRequest(model_name=place.model, infer_inputs=[text])


def _json_request(place: Place) -> dict[str, Any]:
    tensor = {"name": "text", "shape": [len(TEXTS)], "datatype": "BYTES", "data": TEXTS}
    return {"model_name": place.model, "inputs": [tensor]}


def _vectors(response: Any) -> Any:
    (output,) = response.outputs
    return output.as_numpy().tolist()


async def _infer(client: InferenceRESTClient, place: Place, request: Any) -> Any:
    return _vectors(await client.infer(place.url, request, model_name=place.model))


async def _predict(client: InferenceRESTClient, place: Place) -> Any:
    return (await client.infer(place.url, {"instances": TEXTS}, model_name=place.model))["predictions"]


async def _infer_grpc(client: InferenceGRPCClient, place: Place, *, binary: bool) -> Any:
    return _vectors(await client.infer(_request(place, binary=binary)))


async def _explain(client: InferenceRESTClient, place: Place) -> Any:
    body = {"instances": TEXTS[:1], "parameters": {"n_steps": 5}}
    return (await client.explain(place.url, place.model, body))["explanations"]


def _is_true(_: Place) -> bool:
    return True


def _native(place: Place) -> Any:
    return place.native(TEXTS)


CALLS = [
    Call(name="REST v1, infer", ask=_rest("v1", _predict), expected=_native),
    Call(
        name="REST v1, is_model_ready",
        ask=_rest("v1", lambda client, place: client.is_model_ready(place.url, place.model)),
        expected=_is_true,
    ),
    Call(
        name="REST v1, is_model_ready of an unknown model",
        ask=_rest("v1", lambda client, place: client.is_model_ready(place.url, "unknown")),
        refused="404|unknown",
    ),
    Call(
        name="REST v1, explain",
        ask=_rest("v1", _explain),
        expected=lambda place: place.ask(
            f"/explanations/{place.model}", {"inputs": TEXTS[:1], "parameters": {"n_steps": 5}}
        ),
        at="labels",
    ),
    Call(
        name="REST v2, infer, binary data (its default)",
        ask=_rest("v2", lambda client, place: _infer(client, place, _request(place, binary=True))),
        expected=_native,
    ),
    Call(
        name="REST v2, infer, JSON",
        ask=_rest("v2", lambda client, place: _infer(client, place, _json_request(place))),
        expected=_native,
    ),
    Call(
        name="REST v2, is_server_live",
        ask=_rest("v2", lambda client, place: client.is_server_live(place.url)),
        expected=_is_true,
    ),
    Call(
        name="REST v2, is_server_ready",
        ask=_rest("v2", lambda client, place: client.is_server_ready(place.url)),
        expected=_is_true,
    ),
    Call(
        name="REST v2, is_model_ready",
        ask=_rest("v2", lambda client, place: client.is_model_ready(place.url, place.model)),
        expected=_is_true,
    ),
    Call(
        name="gRPC v2, infer, raw_input_contents (its default)",
        ask=_grpc(lambda client, place: _infer_grpc(client, place, binary=True)),
        expected=_native,
    ),
    Call(
        name="gRPC v2, infer, contents",
        ask=_grpc(lambda client, place: _infer_grpc(client, place, binary=False)),
        expected=_native,
    ),
    Call(
        name="gRPC v2, is_server_live",
        ask=_grpc(lambda client, place: client.is_server_live()),
        expected=_is_true,
    ),
    Call(
        name="gRPC v2, is_server_ready",
        ask=_grpc(lambda client, place: client.is_server_ready()),
        expected=_is_true,
    ),
    Call(
        name="gRPC v2, is_model_ready",
        ask=_grpc(lambda client, place: client.is_model_ready(place.model)),
        expected=_is_true,
    ),
]
