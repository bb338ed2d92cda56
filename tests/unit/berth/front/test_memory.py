"""What a real HAProxy takes for its clients stays within what a budget counts for them."""

import ssl
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from berth.memory.budget import CONNECTION_BYTES, FRONT_BYTES, GATEWAY_BYTES, TLS_BYTES
from berth.wait import wait_until
from tests.support.front.certificates import make_certificate
from tests.support.front.fronted import HAPROXY, Fronted, fronted

CLIENTS = 600
READ_S = 20.0
BUFFER_BYTES = 2**14  # HAProxy's tune.bufsize, of which one holds what a client has sent
HALF = b"POST /predictions/bert HTTP/1.1\r\nhost: a\r\ncontent-length: 1000000\r\n\r\n" + b"x" * 12_000

pytestmark = pytest.mark.skipif(not HAPROXY, reason="haproxy is not installed")


@pytest.fixture(params=[False, True], ids=["clear", "tls"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Fronted]:
    pair = make_certificate(tmp_path)
    files = {"TS_CERTIFICATE_FILE": str(pair.certificate), "TS_PRIVATE_KEY_FILE": str(pair.key)}
    with fronted(None, files if request.param else {}, tls=request.param) as server:
        yield server


def pss_bytes(pid: int | None) -> int:
    return int(psutil.Process(pid).memory_full_info().pss)


def hold(server: Fronted, held: ExitStack) -> None:
    """A client that has sent the begin of a request, and sends no more."""
    client = held.enter_context(server.open_socket())
    if server.inference.scheme == "https":
        client = held.enter_context(ssl._create_unverified_context().wrap_socket(client))  # noqa: S323
    client.sendall(HALF)


def test_half_sent_requests_take_no_more_than_is_counted(server: Fronted) -> None:
    haproxy, gateway = server.front.haproxy.pid, server.front.gateway.pid
    before = pss_bytes(haproxy)
    assert before < FRONT_BYTES
    assert pss_bytes(gateway) < GATEWAY_BYTES
    with ExitStack() as held:
        for _ in range(CLIENTS):
            hold(server, held)
        assert wait_until(lambda: pss_bytes(haproxy) - before > CLIENTS * BUFFER_BYTES, READ_S), "they are all held"
        each = CONNECTION_BYTES + (TLS_BYTES if server.inference.scheme == "https" else 0)
        assert pss_bytes(haproxy) - before < CLIENTS * each
