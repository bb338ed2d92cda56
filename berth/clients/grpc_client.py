"""A client of TorchServe's gRPC services: one input in, one result out.

The messages come from torchserve.binpb, which setup.py compiles. Generated modules would need the protobuf and grpcio
that made them; a descriptor set works with any.
"""

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any, Self

import grpc
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

from ..endpoint import Endpoint
from ..errors import BerthError, ServerUnreachable, UsageError
from .access import NO_KEY_HINT, Access
from .addresses import grpc_inference_address, grpc_management_address
from .chunks import encode
from .inputs import plain_input, plain_parameters
from .messages import (
    ANSWER_TIMEOUT_S,
    MAX_QUOTED,
    Input,
    Model,
    Parameters,
    Result,
    broken_connection,
    decode_error,
    decode_result,
    make_body,
    no_answer_in_time,
    not_a_berth_server,
    require_one,
)
from .worker_count import require_sensible

DESCRIPTOR_SET = Path(__file__).with_name("torchserve.binpb")
INFERENCE = "org.pytorch.serve.grpc.inference.InferenceAPIsService"
OPEN_INFERENCE = "org.pytorch.serve.grpc.openinference.GRPCInferenceService"
MANAGEMENT = "org.pytorch.serve.grpc.management.ManagementAPIsService"
CHANNEL_OPTIONS = (
    # The server's max_response_size is the limit. gRPC's own, 4 MiB, is the same number but counts the frame too.
    ("grpc.max_receive_message_length", -1),
    # Without it, a client whose server was away for long waits up to 120 s for the next (gRPC, connection-backoff.md).
    ("grpc.max_reconnect_backoff_ms", 2000),
)
TLS = "https://"  # before an address
PAGE = 100  # models on a page of ListModels
LIST_TIMEOUT_S = 5.0
# gRPC says UNAVAILABLE of a server that was never reached and of one that hung up, and a server says so itself of a
# full queue: only the words differ.
HTTP_ANSWER = "http2 header with status"  # of the front's port for REST, which speaks HTTP/2 too
REFUSED_STREAM = "RST_STREAM with error code 7"
NEVER_CONNECTED = re.compile("failed to connect|errors resolving|resolution failed")
HUNG_UP = re.compile("[Ss]ocket|[Cc]onnection|GOAWAY|RST_STREAM|recvmsg|Stream removed|Broken pipe")


class GrpcClient:
    """A server's inference port (its management port for `scale`), asked through one connection that is kept open."""

    def __init__(
        self,
        address: str | None = None,
        *,
        timeout_s: float = ANSWER_TIMEOUT_S,
        api_key: str | None = None,
        ca_file: str | None = None,
    ) -> None:
        """`address` is HOST:PORT, for TLS https://HOST:PORT, or what the environment says; nothing is connected yet.

        `timeout_s`: the deadline of each call, which the server is told. `api_key`, `ca_file` (PEM): what opens a
        locked server; else what the environment says.
        """
        address = grpc_inference_address(os.environ) if address is None else address
        access = Access.find(os.environ, api_key, ca_file)
        server = _parse_address(address)
        # A proxy that the environment names cannot reach loopback.
        options = (*CHANNEL_OPTIONS, ("grpc.enable_http_proxy", 0)) if server.is_loopback else CHANNEL_OPTIONS
        self._address = address
        self._timeout_s = timeout_s
        self._only_model: str | None = None
        self._metadata = (("authorization", access.authorization),) if access.authorization else ()
        self._channel = _open_channel(address, access.ca_file, options)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection, and end the calls that still run."""
        self._channel.close()

    def predict(self, source: Input, parameters: Parameters | None = None, *, model: Model = None) -> Result:
        """The result of one input; RequestFailed with the server's own words when it refuses the input.

        `model` may be left out where the server has one. What was cut is not said: gRPC carries no headers.
        """
        (answer,) = self.call(f"{INFERENCE}.Predictions", **self._prediction_request(source, parameters, model))
        return self._decode(answer)

    def stream(self, source: Input, parameters: Parameters | None = None, *, model: Model = None) -> Iterator[Result]:
        """Results by StreamPredictions, sent when the first is asked for; berth's models answer with one."""
        request = self._prediction_request(source, parameters, model)
        for answer in self.call(f"{INFERENCE}.StreamPredictions", **request):
            yield self._decode(answer)

    def ping(self) -> bool:
        """Whether the server calls itself healthy: it does so before a model is loaded, so a prediction proves more."""
        (answer,) = self.call(f"{INFERENCE}.Ping")
        return bool(json.loads(answer.health)["status"] == "Healthy")

    def models(self) -> list[str]:
        """The names of all models; asked of the management port."""
        names: list[str] = []
        token: int | None = 0
        while token is not None:  # page by page
            (answer,) = self.call(f"{MANAGEMENT}.ListModels", limit=PAGE, next_page_token=token)
            page = json.loads(answer.msg)
            names += (model["modelName"] for model in page["models"])
            token = int(page["nextPageToken"]) if "nextPageToken" in page else None
        return names

    def scale(self, model: Model = None, *, workers: int) -> None:
        """Scale to this many workers and return when they are loaded; a restart forgets it.

        A worker that is scaled away leaves the requests that it has taken without an answer.
        """
        require_sensible(workers)
        name = require_one(self.models(), self._address) if model is None else model
        fields = {"model_name": name, "min_worker": workers, "max_worker": workers, "synchronous": True}
        list(self.call(f"{MANAGEMENT}.ScaleWorker", **fields))

    def call(self, name: str, **fields: object) -> Iterator[Any]:
        """Call a method by its full name in the .proto, at the first `next`; its answer is one message or more."""
        method = _load_services().FindMethodByName(name)
        request, response = (GetMessageClass(message) for message in (method.input_type, method.output_type))
        connect = self._channel.unary_stream if method.server_streaming else self._channel.unary_unary
        path = f"/{method.containing_service.full_name}/{method.name}"
        call = connect(path, request_serializer=request.SerializeToString, response_deserializer=response.FromString)
        with self._clear_errors():
            answer = call(request(**fields), timeout=self._timeout_s, metadata=self._metadata)
            yield from answer if method.server_streaming else (answer,)

    def _prediction_request(self, source: Input, parameters: Parameters | None, model: Model) -> dict[str, object]:
        """The request's fields; a text alone goes as `data`, all else as JSON."""
        plain, settings = plain_input(source), plain_parameters(parameters)
        name = self._find_only_model() if model is None else model
        if isinstance(plain, str) and settings is None:
            return {"model_name": name, "input": {"data": plain.encode()}}
        return {"model_name": name, "input": {"body": encode(make_body(plain, settings))}}

    def _find_only_model(self) -> str:
        """The only model of the server, which its management port knows; asked once."""
        if self._only_model is None:
            address = grpc_management_address(os.environ, self._address)
            with GrpcClient(address, timeout_s=min(self._timeout_s, LIST_TIMEOUT_S)) as management:
                self._only_model = require_one(self._list_models(management), self._address)
        return self._only_model

    def _list_models(self, management: "GrpcClient") -> list[str]:
        try:
            return management.models()
        except BerthError as error:
            self.ping()  # ServerUnreachable, if that is why
            raise UsageError(f"name a model, for the server could not be asked which it has: {error}") from error

    def _decode(self, answer: Any) -> Result:
        """The result in an answer; RequestFailed for a handler's error, which TorchServe sends with the status OK."""
        with suppress(ValueError):
            raise decode_error(answer.prediction).to_exception()
        with suppress(ValueError):
            return decode_result(answer.prediction)
        raise not_a_berth_server(self._address, repr(answer.prediction[:MAX_QUOTED]))

    @contextmanager
    def _clear_errors(self) -> Iterator[None]:
        try:
            yield
        except grpc.RpcError as error:
            raise self._failure(error.code(), error.details() or "") from error

    def _failure(self, code: grpc.StatusCode, details: str) -> BerthError:
        """The error for a call that got no answer."""
        words = f"{code.name}: {details.partition(chr(10))[0]}"  # TorchServe adds the name of a Java class
        is_http = code == grpc.StatusCode.UNIMPLEMENTED and HTTP_ANSWER in details
        if is_http or (code == grpc.StatusCode.UNAVAILABLE and NEVER_CONNECTED.search(details)):
            return ServerUnreachable(
                f"no server answers gRPC at {self._address}: start one with `berth serve`, or give the address of its "
                f"gRPC port, which is not REST's ({words})"
            )
        is_refused = code == grpc.StatusCode.CANCELLED or REFUSED_STREAM in details
        if code == grpc.StatusCode.UNAVAILABLE and HUNG_UP.search(details) and not is_refused:
            return broken_connection(self._address, words)
        if code == grpc.StatusCode.DEADLINE_EXCEEDED:
            return no_answer_in_time(self._address, self._timeout_s)
        if code == grpc.StatusCode.UNIMPLEMENTED:
            return UsageError(
                f"{self._address} is not the port for this call: predictions, stream and ping go to the inference port "
                f"(7070), scale to the management port (7071) ({words})"
            )
        if is_refused:  # by the server: gRPC-Java resets the stream of too large a message, and the front hands that on
            return BerthError(
                f"{self._address} cancelled the call: is the input larger than max_request_size? ({words})"
            )
        return BerthError(
            f"the server answered {words}{NO_KEY_HINT if code == grpc.StatusCode.UNAUTHENTICATED else ''}"
        )


@cache
def _load_services() -> DescriptorPool:
    """TorchServe's services and their messages, in a pool of their own."""
    try:
        described = FileDescriptorSet.FromString(DESCRIPTOR_SET.read_bytes())
    except FileNotFoundError as error:
        raise BerthError(
            f"{DESCRIPTOR_SET} is missing: installing berth makes it; in a checkout, `pip install -e .`"
        ) from error
    pool = DescriptorPool()
    for file in described.file:
        pool.Add(file)
    return pool


def _parse_address(address: str) -> Endpoint:
    try:
        return Endpoint.parse("address", address.removeprefix(TLS))
    except ValueError as error:
        raise UsageError(f"{address!r} is not a gRPC server address: use HOST:PORT or {TLS}HOST:PORT") from error


def _open_channel(address: str, ca_file: str | None, options: tuple[tuple[str, int], ...]) -> grpc.Channel:
    """A channel that connects at its first call, with TLS if the address begins so."""
    if not address.startswith(TLS):
        return grpc.insecure_channel(address, options)
    trusted = Path(ca_file).read_bytes() if ca_file else None
    return grpc.secure_channel(address.removeprefix(TLS), grpc.ssl_channel_credentials(trusted), options)
