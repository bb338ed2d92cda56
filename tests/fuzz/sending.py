"""Requests to a server, and what comes back, unjudged."""

import contextlib
import http.client
import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import grpc

from berth.clients.grpc_client import GrpcClient
from berth.errors import BerthError
from tests.support.clients.infer_grpc import ERROR
from tests.support.servers import Server

from .make.requests import GrpcRequest, RestRequest

ANSWER_TIMEOUT_S = 120.0  # no answer in this time is a hang: the slowest request here takes a few seconds by itself


@dataclass(frozen=True, slots=True, kw_only=True)
class RestAnswer:
    """What came over HTTP; status 0 when the connection was reset instead."""

    status: int
    phrase: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    """By name in lower case, in latin-1."""
    body: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class GrpcAnswer:
    """One message, or gRPC's own status."""

    message: Any = None
    status: str = "OK"
    details: str = ""
    error: dict[str, Any] | None = None
    """What the gateway says beside the status."""


def send_rest(server: Server, request: RestRequest) -> RestAnswer:
    """One request on a connection of its own."""
    with socket.create_connection(("127.0.0.1", server.ports["inference"]), ANSWER_TIMEOUT_S) as connection:
        with contextlib.suppress(ConnectionError):  # a body over the limit is refused before it has ended
            connection.sendall(request.to_bytes())
        response = http.client.HTTPResponse(connection, method=request.method)
        try:
            response.begin()
            body = response.read()
        except ConnectionResetError:
            return RestAnswer(status=0)
        headers = {name.lower(): value for name, value in response.getheaders()}
        return RestAnswer(status=response.status, phrase=response.reason, headers=headers, body=body)


def send_grpc(client: GrpcClient, request: GrpcRequest) -> GrpcAnswer:
    """One call on the client's connection."""
    try:
        (message,) = client.call(request.method, **request.fields)
    except BerthError as error:
        if not isinstance(error.__cause__, grpc.RpcError):
            raise
        return _read_status(error.__cause__)
    return GrpcAnswer(message=message)


def _read_status(error: grpc.RpcError) -> GrpcAnswer:
    said = dict(error.trailing_metadata() or ()).get(ERROR)
    return GrpcAnswer(
        status=error.code().name, details=error.details() or "", error=None if said is None else json.loads(said)
    )
