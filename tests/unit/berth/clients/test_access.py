"""A locked server's clients, over real sockets: the key goes along and is never shown, a certificate is checked."""

import asyncio
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from berth.clients.access import CA_VARIABLES, KEY_VARIABLE, Access
from berth.clients.async_client import AsyncRestClient
from berth.clients.grpc_client import GrpcClient
from berth.clients.management import ManagementClient
from berth.clients.rest_client import RestClient
from berth.errors import BerthError, RequestFailed, UsageError
from tests.support.front.certificates import Certificate, make_certificate
from tests.support.http_standin import JsonHandler, answering
from tests.support.servers import BERTH
from tests.unit.berth.clients.grpc_standin import serving

KEY = "sesame-0123456789"
REFUSED = {"code": 401, "type": "Unauthorized", "message": "no key"}


class Locked(JsonHandler):
    """Opens to one key, and says which headers a request came with."""

    def do_POST(self) -> None:  # noqa: N802 - the base class's name
        self.rfile.read(int(self.headers["content-length"]))
        if self.headers["authorization"] == f"Bearer {KEY}":
            self.answer(200, [dict(self.headers)])
        else:
            self.answer(401, REFUSED)

    def do_GET(self) -> None:  # noqa: N802
        self.answer(200, {"models": [{"modelName": str(self.headers["authorization"])}]})


class Busy(JsonHandler):
    """Refuses the first request of each test for now, as a full queue does."""

    asked = 0

    def do_POST(self) -> None:  # noqa: N802
        self.rfile.read(int(self.headers["content-length"]))
        Busy.asked += 1
        if Busy.asked == 1:
            self.answer(503, {"code": 503, "type": "QueueFull", "message": "not now"}, retry_after="0")
        else:
            self.answer(200, [[1.0]])


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def locked(certificate: Certificate) -> Iterator[str]:
    with answering(Locked, certificate) as url:
        yield url


def headers(client: RestClient) -> dict[str, str]:
    """What a request's headers were."""
    ((sent,),) = [client.predict(["x"], model="any")]
    return {name.lower(): value for name, value in dict[str, str](sent).items()}  # type: ignore[arg-type]


def test_a_key_and_a_ca_open_a_locked_server(locked: str, certificate: Certificate) -> None:
    trusted = str(certificate.certificate)
    with RestClient(locked, api_key=KEY, ca_file=trusted) as client:
        assert headers(client)["authorization"] == f"Bearer {KEY}"

    async def ask() -> Any:
        async with AsyncRestClient(locked, api_key=KEY, ca_file=trusted) as client:
            return await client.predict(["x"], model="any")

    assert len(asyncio.run(ask())) == 1


@pytest.mark.parametrize("variable", CA_VARIABLES)
def test_the_environment_may_say_both(
    locked: str, certificate: Certificate, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    for name in CA_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, str(certificate.certificate))
    monkeypatch.setenv(KEY_VARIABLE, f"{KEY}\n")  # as `$(< file)` does not leave it, but a Secret's file does
    with RestClient(locked) as client:
        assert headers(client)["authorization"] == f"Bearer {KEY}"
    with RestClient(locked, api_key="another") as client, pytest.raises(RequestFailed, match="no key; BERTH_API_KEY"):
        client.predict(["x"], model="any")


def test_the_command_takes_both_from_the_environment(locked: str, certificate: Certificate) -> None:
    environment = {**os.environ, KEY_VARIABLE: KEY, "REQUESTS_CA_BUNDLE": str(certificate.certificate)}
    command = [str(BERTH), "predict", "--url", locked, "--model", "any", "hello"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert KEY in done.stdout
    environment[KEY_VARIABLE] = wrong = "not-the-key"
    refused = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert "no key; BERTH_API_KEY" in refused.stderr
    assert wrong not in refused.stderr + refused.stdout


def test_a_key_counts_before_credentials_in_the_address(certificate: Certificate) -> None:
    with answering(Locked) as url, RestClient(url.replace("://", "://me:secret@"), api_key=KEY) as client:
        assert headers(client)["authorization"] == f"Bearer {KEY}"


def test_the_management_address_is_not_shown_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, KEY)
    with answering(Locked) as url, ManagementClient(url) as management:
        assert management.models() == ["None"]


def test_a_stranger_s_certificate_is_refused_and_the_way_out_named(locked: str, tmp_path: Path) -> None:
    other = make_certificate(tmp_path, "other")
    said = r"TLS with https.* failed: .*certificate.*ca_file= or REQUESTS_CA_BUNDLE"
    for ca_file in (None, str(other.certificate)):
        with (
            RestClient(locked, api_key=KEY, ca_file=ca_file) as client,
            pytest.raises(BerthError, match=said) as caught,
        ):
            client.predict(["x"], model="any")
        assert KEY not in str(caught.value)


def test_a_key_is_in_no_repr() -> None:
    access = Access.find({KEY_VARIABLE: KEY})
    assert access.authorization == f"Bearer {KEY}"
    assert KEY not in repr(access)


@pytest.mark.parametrize(("key", "who"), [("two words", "api_key"), ("schlüssel", "api_key"), (None, KEY_VARIABLE)])
def test_what_is_no_key_is_said_without_it(key: str | None, who: str) -> None:
    with pytest.raises(UsageError, match=f"^{who} is no API key") as caught:
        Access.find({KEY_VARIABLE: "one\rtwo"}, api_key=key)
    assert str(key) not in str(caught.value)
    assert "one" not in str(caught.value)


def test_an_empty_variable_is_none() -> None:
    assert Access.find({KEY_VARIABLE: "", "REQUESTS_CA_BUNDLE": ""}) == Access()


def test_a_ca_file_that_is_not_there_is_a_usage_error(monkeypatch: pytest.MonkeyPatch) -> None:
    for make in (RestClient, GrpcClient):
        with pytest.raises(UsageError, match=r"^ca_file: there is no '/none/ca.pem'"):
            make(ca_file="/none/ca.pem")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/none/ca.pem")
    with pytest.raises(UsageError, match=r"^REQUESTS_CA_BUNDLE: there is no '/none/ca.pem'"):
        ManagementClient("http://127.0.0.1:9")


def test_the_server_is_told_how_long_the_client_waits() -> None:
    with answering(Locked) as url:
        with RestClient(url, api_key=KEY, timeout_s=2.5) as client:
            assert headers(client)["x-timeout-ms"] == "2500"
        with RestClient(url, api_key=KEY) as client:
            assert "x-timeout-ms" not in headers(client)


def test_a_refusal_that_says_when_is_asked_again_but_not_within_a_time_limit() -> None:
    with answering(Busy) as url:
        Busy.asked = 0
        with RestClient(url) as client:
            assert client.predict(["x"], model="any") == [[1.0]]
        assert Busy.asked == 2
        Busy.asked = 0
        with RestClient(url, timeout_s=5.0) as client, pytest.raises(RequestFailed, match="not now"):
            client.predict(["x"], model="any")
        assert Busy.asked == 1


def test_grpc_takes_a_key_and_tls(certificate: Certificate, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, str]] = []
    with serving(b"[0.5]", metadata=asked, certificate=certificate) as address:
        with GrpcClient(f"https://{address}", api_key=KEY, ca_file=str(certificate.certificate)) as client:
            assert client.predict("x", model="any") == [0.5]
        monkeypatch.setenv(KEY_VARIABLE, KEY)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate.certificate))
        with GrpcClient(f"https://{address}") as client:
            assert list(client.stream("x", model="any")) == [[0.5]]
    assert [sent["authorization"] for sent in asked] == [f"Bearer {KEY}"] * 2


def test_grpc_without_the_right_certificate_or_tls_is_refused(certificate: Certificate) -> None:
    with serving(b"[0.5]", certificate=certificate) as address:
        for client in (GrpcClient(f"https://{address}"), GrpcClient(address)):
            with client, pytest.raises(BerthError, match=r"no server answers gRPC|broke while"):
                client.predict("x", model="any")


def test_grpc_says_how_a_key_is_given() -> None:
    with GrpcClient("127.0.0.1:9") as client:
        failure = client._failure(grpc.StatusCode.UNAUTHENTICATED, "no key")
    assert str(failure) == "the server answered UNAUTHENTICATED: no key; BERTH_API_KEY, or api_key=, gives the key"
