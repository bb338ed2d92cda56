"""The Open Inference Protocol over gRPC: `inference.GRPCInferenceService`, and the same under TorchServe's name."""

from collections.abc import AsyncIterator, Awaitable, Callable
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import grpc
from google.protobuf.json_format import Parse, ParseError
from google.protobuf.message import DecodeError

import berth

from ..error_answer import ErrorAnswer, not_the_protocol, too_large
from ..metadata import ask_metadata
from ..model_server import Answer, ModelServer
from ..readiness import Readiness
from ..settings import GatewaySettings
from ..terms import Terms, terms_of_call
from .services import message_of
from .statuses import abort, read_error
from .tensors import HEADER, to_response, to_rest

MEDIA = "application/octet-stream"
EXTENSIONS = ("binary_tensor_data",)
TOLD = ("x-truncated", "x-compute-tokens")  # headers of an answer that a gRPC client gets as trailers
Method = Callable[[Any, Any], Awaitable[Any]]


class InferService:
    """Answers the protocol's six calls."""

    def __init__(self, settings: GatewaySettings, server: ModelServer, readiness: Readiness) -> None:
        self._settings = settings
        self._server = server
        self._readiness = readiness

    def handlers(self) -> dict[str, grpc.RpcMethodHandler]:
        """gRPC's handler for each call, by its name."""
        methods: dict[str, Method] = {
            "ServerLive": self._live,
            "ServerReady": self._ready,
            "ModelReady": self._model_ready,
            "ServerMetadata": self._server_metadata,
            "ModelMetadata": self._model_metadata,
            "ModelInfer": self._infer,
        }
        return {name: _handler(name, method) for name, method in methods.items()}

    async def _live(self, _request: Any, _context: Any) -> Any:
        return message_of("ServerLiveResponse")(live=True)

    async def _ready(self, _request: Any, _context: Any) -> Any:
        return message_of("ServerReadyResponse")(ready=await self._readiness.why_not() is None)

    async def _model_ready(self, request: Any, _context: Any) -> Any:
        self._settings.version_of(request.name, request.version)
        return message_of("ModelReadyResponse")(ready=await self._readiness.why_not() is None)

    async def _server_metadata(self, _request: Any, _context: Any) -> Any:
        return message_of("ServerMetadataResponse")(name="berth", version=berth.__version__, extensions=EXTENSIONS)

    async def _model_metadata(self, request: Any, context: Any) -> Any:
        asked = ask_metadata(self._settings, self._server, request.name, request.version, _terms(context))
        answer = _require_ok(await asked)
        try:
            return Parse(answer.body, message_of("ModelMetadataResponse")(), ignore_unknown_fields=True)
        except ParseError as error:
            raise not_the_protocol() from error

    async def _infer(self, request: Any, context: Any) -> Any:
        version = self._settings.version_of(request.model_name, request.model_version)
        answer = _require_ok(await self._ask_infer(request, version, _terms(context)))
        context.set_trailing_metadata(_told(answer))
        try:
            return to_response(answer.body, int(answer.headers[HEADER]), is_raw=bool(request.raw_input_contents))
        except (ValueError, LookupError, TypeError) as error:
            raise not_the_protocol() from error

    async def _ask_infer(self, request: Any, version: str, terms: Terms) -> Answer:
        head, rest = to_rest(request)
        if len(head) + len(rest) > self._settings.max_request_bytes:
            raise too_large(len(head) + len(rest), self._settings.max_request_bytes)
        name = quote(request.model_name)
        is_named = bool(request.model_version)  # where it is not, a share of the requests may be for another version
        path = f"/v2/models/{name}/versions/{quote(version)}/infer" if is_named else f"/v2/models/{name}/infer"
        headers = {"content-type": MEDIA, HEADER: str(len(head))}
        return await self._server.ask("POST", path, terms, headers=headers, body=head + rest)


def _handler(name: str, method: Method) -> grpc.RpcMethodHandler:
    """A call of the protocol as gRPC's server takes it; what is refused has a code and a sentence."""
    request_type = message_of(f"{name}Request")

    async def call(messages: AsyncIterator[bytes], context: Any) -> bytes:
        try:
            request = request_type.FromString(await _hear_out(messages))
            answer: bytes = (await method(request, context)).SerializeToString()
        except DecodeError as error:
            message = f"the message is no {name}Request: {error}"
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, message)
        except ErrorAnswer as error:
            await abort(context, error)
        return answer

    return grpc.stream_unary_rpc_method_handler(call)


async def _hear_out(messages: AsyncIterator[bytes]) -> bytes:
    """The call's only message, once its client has ended it: HAProxy cancels a call that is answered earlier."""
    data, num_messages = b"", 0
    async for message in messages:
        data, num_messages = message, num_messages + 1
    if num_messages != 1:
        raise ErrorAnswer(400, "InvalidInput", f"the call has {num_messages} messages: send one, and end the call")
    return data


def _terms(context: Any) -> Terms:
    metadata = {name: value for name, value in context.invocation_metadata() if isinstance(value, str)}
    return terms_of_call(metadata, context.time_remaining())


def _require_ok(answer: Answer) -> Answer:
    if answer.status != HTTPStatus.OK:
        raise read_error(answer)
    return answer


def _told(answer: Answer) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name in TOLD if (value := answer.headers.get(name)) is not None)
