"""Where the clients look for a server: said, or in the environment, or where config.properties has it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from berth.clients.addresses import (
    GRPC_INFERENCE,
    GRPC_MANAGEMENT,
    INFERENCE_URL,
    MANAGEMENT_URL,
    grpc_inference_address,
    grpc_management_address,
    inference_url,
    is_same_server,
    management_url,
)
from berth.clients.launcher import HEALTH_VARIABLE
from berth.errors import UsageError
from berth.settings import Settings
from tests.support.http_standin import JsonHandler, answering

CONFIG = Path(__file__).parents[4] / "config.properties"
NO_LAUNCHER = {HEALTH_VARIABLE: "127.0.0.1:9"}
MOVED = "http://127.0.0.1:18080"


class Launcher(JsonHandler):
    """A launcher whose server has other ports than the default."""

    def do_GET(self) -> None:  # noqa: N802 - the base class's name
        addresses = {"inference": MOVED, "management": "http://127.0.0.1:18081"}
        self.answer(200, {**addresses, "models": ["bert"], "max_workers": 2, "reason": "memory"})


@pytest.fixture(scope="module")
def launcher() -> Iterator[dict[str, str]]:
    with answering(Launcher) as url:
        yield {HEALTH_VARIABLE: url.removeprefix("http://")}


def test_the_defaults_are_those_of_config_properties() -> None:
    settings = Settings.load(CONFIG, {})
    assert (settings.inference.url, settings.management.url) == (INFERENCE_URL, MANAGEMENT_URL)
    assert (settings.grpc_inference.port, settings.grpc_management.port) == (GRPC_INFERENCE, GRPC_MANAGEMENT)
    assert inference_url({}) == INFERENCE_URL
    assert management_url(NO_LAUNCHER) == MANAGEMENT_URL
    assert grpc_inference_address({}) == "127.0.0.1:7070"
    assert grpc_management_address({}, "127.0.0.1:7070") == "127.0.0.1:7071"


def test_the_variables_that_move_the_server_move_its_clients() -> None:
    moved = {"TS_INFERENCE_ADDRESS": "http://0.0.0.0:9080", "TS_MANAGEMENT_ADDRESS": "http://127.0.0.1:9081"}
    assert inference_url(moved) == "http://127.0.0.1:9080", "what listens everywhere is reached on this machine"
    assert management_url(moved) == management_url(moved, "http://elsewhere:1") == "http://127.0.0.1:9081"
    grpc = {"TS_GRPC_INFERENCE_ADDRESS": "::", "TS_GRPC_INFERENCE_PORT": "9070", "TS_GRPC_MANAGEMENT_PORT": "9071"}
    assert grpc_inference_address(grpc) == "[::1]:9070"
    assert grpc_management_address(grpc, "host:9070") == "host:9071"


def test_berth_url_is_the_inference_address_of_any_server() -> None:
    remote = {"BERTH_URL": "https://bert.example.com", "TS_INFERENCE_ADDRESS": "http://127.0.0.1:9080"}
    assert inference_url(remote) == "https://bert.example.com"
    assert grpc_inference_address(remote) == "https://bert.example.com:7070", "TLS on both or on neither"
    assert inference_url({"BERTH_URL": ""}) == INFERENCE_URL


def test_tls_is_kept_where_an_address_is_moved_but_not_taken_to_the_management_ports() -> None:
    moved = {"TS_INFERENCE_ADDRESS": "https://0.0.0.0:9443", "TS_GRPC_INFERENCE_PORT": "9070"}
    assert inference_url(moved) == "https://127.0.0.1:9443"
    assert grpc_inference_address(moved) == "https://127.0.0.1:9070"
    assert management_url({**NO_LAUNCHER, "TS_INFERENCE_ADDRESS": "https://127.0.0.1:8080"}) == MANAGEMENT_URL
    assert grpc_management_address({}, "https://far:7070") == "far:7071"


def test_default_ports_belong_together() -> None:
    assert management_url({**NO_LAUNCHER, "BERTH_URL": "http://far:8080"}) == "http://far:8081"
    assert grpc_management_address({}, "far:7070") == "far:7071"


def test_the_launcher_knows_its_servers_management_address(launcher: dict[str, str]) -> None:
    assert management_url(launcher, MOVED) == "http://127.0.0.1:18081"
    assert management_url(launcher, MOVED.replace("127.0.0.1", "localhost")) == "http://127.0.0.1:18081"
    assert management_url(launcher, INFERENCE_URL) == MANAGEMENT_URL, "another server's launcher"


def test_what_cannot_be_known_names_the_variable() -> None:
    with pytest.raises(UsageError, match=r"management address of http://127.0.0.1:18080 .* set TS_MANAGEMENT_ADDRESS"):
        management_url(NO_LAUNCHER, MOVED)
    with pytest.raises(UsageError, match=r"management port of host:1 .* set TS_GRPC_MANAGEMENT_PORT"):
        grpc_management_address({}, "host:1")


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("BERTH_URL", "localhost:8080"),
        ("TS_INFERENCE_ADDRESS", "ftp://host"),
        ("TS_GRPC_INFERENCE_PORT", "grpc"),
        ("TS_GRPC_INFERENCE_ADDRESS", "a b/c"),
    ],
)
def test_a_variable_that_is_no_address_is_named(variable: str, value: str) -> None:
    find = grpc_inference_address if "GRPC" in variable else inference_url
    with pytest.raises(UsageError, match=rf"^{'TS_GRPC_INFERENCE_PORT' if 'GRPC' in variable else variable}: "):
        find({variable: value})


@pytest.mark.parametrize(
    "url", ["htp://u:secret@h:1", "u:secret@h:1", "http://u:secret@h:99999", "http://u:se@cret@h:99999"]
)
def test_no_error_has_a_password(url: str) -> None:
    with pytest.raises(UsageError, match=r"h:\d+' is not a server address") as bad:
        inference_url({"BERTH_URL": url})
    with pytest.raises(UsageError, match="management address of http://h:9 is not known") as unknown:
        management_url({**NO_LAUNCHER, "BERTH_URL": "http://u:secret@h:9"})
    assert not any("cret" in str(error.value) for error in (bad, unknown))


def test_loopback_has_many_names() -> None:
    assert is_same_server("http://localhost:1", "http://127.0.0.1:1/")
    assert is_same_server("http://[::1]:1", "http://127.0.0.1:1")
    assert not is_same_server("http://localhost:1", "http://localhost:2")
    assert not is_same_server("http://a", "https://a")
