"""A real gRPC server on this machine, which answers every prediction with the same bytes, as TorchServe does."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import grpc
from google.protobuf.message_factory import GetMessageClass

from berth.clients import grpc_client
from berth.clients.grpc_client import INFERENCE
from tests.support.front.certificates import Certificate

PACKAGE = "org.pytorch.serve.grpc.inference"


def message(name: str) -> Any:
    """A class of TorchServe's."""
    return GetMessageClass(grpc_client._load_services().FindMessageTypeByName(f"{PACKAGE}.{name}"))


@contextmanager
def serving(
    prediction: bytes,
    asked: list[dict[str, bytes]] | None = None,
    *,
    metadata: list[dict[str, str]] | None = None,
    certificate: Certificate | None = None,
) -> Iterator[str]:
    """The address of a server whose every prediction is this one; with a certificate, by TLS alone.

    `asked` gets the inputs that it was sent, `metadata` what came with them.
    """
    inputs, headers = [] if asked is None else asked, [] if metadata is None else metadata
    answer: bytes = message("PredictionResponse")(prediction=prediction).SerializeToString()

    def predict(request: bytes, context: grpc.ServicerContext) -> bytes:
        inputs.append(dict(message("PredictionsRequest").FromString(request).input))
        headers.append(dict(context.invocation_metadata()))
        return answer

    methods = {
        "Predictions": grpc.unary_unary_rpc_method_handler(predict),
        "StreamPredictions": grpc.unary_stream_rpc_method_handler(lambda *call: iter([predict(*call)])),
    }
    with ThreadPoolExecutor(1) as pool:
        server = grpc.server(pool, [grpc.method_handlers_generic_handler(INFERENCE, methods)])
        port = _listen(server, certificate)
        server.start()
        try:
            yield f"127.0.0.1:{port}"
        finally:
            server.stop(grace=None).wait()


def _listen(server: grpc.Server, certificate: Certificate | None) -> int:
    if certificate is None:
        return int(server.add_insecure_port("127.0.0.1:0"))
    pair = certificate.key.read_bytes(), certificate.certificate.read_bytes()
    return int(server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([pair])))
