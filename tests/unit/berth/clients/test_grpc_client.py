"""The gRPC client against real sockets and a real gRPC server on this machine, which answers as TorchServe's does."""

import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import MappingProxyType

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from berth.clients import grpc_client
from berth.clients.grpc_client import DESCRIPTOR_SET, GrpcClient
from berth.clients.messages import Input, Parameters
from berth.errors import BerthError, RequestFailed, ServerUnreachable, UsageError
from tests.unit.berth.clients.grpc_standin import serving

EMPTY_SETTINGS = b"\0\0\0\4\0\0\0\0\0"  # the frame that every HTTP/2 server begins with


def test_an_answer_over_grpcs_own_4_mib_is_read() -> None:
    with serving(b"[" + b"0.5," * 2_000_000 + b"0.5]") as address, GrpcClient(address) as client:
        result = client.predict("x", model="bert")
    assert len(result) == 2_000_001


@pytest.mark.parametrize(
    ("source", "parameters", "sent"),
    [
        ('{"a text": 1}', None, {"data": b'{"a text": 1}'}),
        ("x", {"top_k": None}, {"body": b'{"inputs": "x", "parameters": {"top_k": null}}'}),
        ({"text": "x"}, None, {"body": b'{"inputs": {"text": "x"}}'}),
        (MappingProxyType({"text": "x"}), {}, {"body": b'{"inputs": {"text": "x"}, "parameters": {}}'}),
    ],
)
def test_an_input_is_sent_with_its_parameters(source: Input, parameters: Parameters | None, sent: object) -> None:
    asked: list[dict[str, bytes]] = []
    with serving(b'[{"label": "x", "score": 0.5}]', asked) as address, GrpcClient(address) as client:
        result = client.predict(source, parameters, model="bert")
        assert [result] == list(client.stream(source, parameters, model="bert")) == [[{"label": "x", "score": 0.5}]]
    assert asked == [sent, sent]


def test_what_is_no_json_is_a_usage_error() -> None:
    with GrpcClient("127.0.0.1:9") as client, pytest.raises(UsageError, match="cannot be written as JSON"):
        client.predict("x", {"threshold": float("nan")}, model="bert")


def test_an_errors_payload_is_raised() -> None:
    payload = b'{"code": 422, "type": "InputTooLong", "message": "602 tokens", "param": "/inputs"}'
    with (
        serving(payload) as address,
        GrpcClient(address) as client,
        pytest.raises(RequestFailed, match="602") as caught,
    ):
        client.predict("x", model="bert")
    assert (caught.value.code, caught.value.type, caught.value.param) == (422, "InputTooLong", "/inputs")


@pytest.mark.parametrize("payload", [b"", b"hello", b'"hello"', b"[1", b"\xff"])
def test_an_answer_that_is_no_result_is_quoted(payload: bytes) -> None:
    with (
        serving(payload) as address,
        GrpcClient(address) as client,
        pytest.raises(BerthError, match="as a berth server"),
    ):
        client.predict("x", model="bert")


def test_no_server_says_how_to_start_one() -> None:
    with GrpcClient("127.0.0.1:9") as client:
        for call in (
            client.ping,
            lambda: client.predict("x", model="bert"),
            lambda: next(client.stream("x", model="bert")),
        ):
            with pytest.raises(ServerUnreachable, match=r"127.0.0.1:9.*berth serve"):
                call()


def hang_up(listener: socket.socket) -> None:
    """Become a connection, read the call, and go."""
    connection, _ = listener.accept()
    with connection:
        connection.sendall(EMPTY_SETTINGS)
        received = b""
        while b"bert" not in received and (part := connection.recv(65536)):
            received += part


def test_a_broken_connection_is_not_an_absent_server() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as pool:
        gone = pool.submit(hang_up, listener)
        with GrpcClient(f"127.0.0.1:{listener.getsockname()[1]}") as client, pytest.raises(BerthError) as caught:
            client.predict("x", model="bert")
        gone.result()
    assert caught.value.exit_code == 1
    assert "broke while the server worked; try again" in str(caught.value)


def test_a_server_that_says_nothing_is_left_at_the_deadline() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        with (
            GrpcClient(address, timeout_s=0.2) as client,
            pytest.raises(BerthError, match=r"has not answered for 0.2 s"),
        ):
            client.ping()


@pytest.mark.parametrize("address", ["", "host", ":7070", "host:0", "h:99999", "http://127.0.0.1:7070", "::1:7070"])
def test_an_address_that_is_none_is_a_usage_error(address: str) -> None:
    with pytest.raises(UsageError, match="is not a gRPC server address: use HOST:PORT"):
        GrpcClient(address)


def test_a_senseless_number_of_workers_is_refused_before_anybody_is_asked() -> None:
    with GrpcClient("127.0.0.1:9") as client, pytest.raises(UsageError, match="0 workers: ask for 1 to"):
        client.scale("bert", workers=0)


def test_a_checkout_that_was_not_installed_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grpc_client, "DESCRIPTOR_SET", tmp_path / "none.binpb")
    with pytest.raises(BerthError, match=r"none.binpb is missing.*pip install -e"):
        grpc_client._load_services.__wrapped__()


def test_the_descriptor_set_is_whole() -> None:
    """Every file that one imports is in it: grpcurl needs nothing else."""
    files = FileDescriptorSet.FromString(DESCRIPTOR_SET.read_bytes()).file
    assert {"inference.proto", "management.proto"} <= {file.name for file in files}
    assert {name for file in files for name in file.dependency} <= {file.name for file in files}


def test_it_imports_nothing_heavy() -> None:
    program = (
        "import sys, berth.clients.grpc_client; "
        "print([name for name in ('torch', 'transformers', 'requests') if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
