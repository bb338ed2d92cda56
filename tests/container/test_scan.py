"""From outside, without a key: four ports are open, and no port leads to what manages the models."""

from collections.abc import Iterator

import pytest

from .podman import PORTS, Container, started_container
from .scan import KEYS, MANAGEMENT, MANAGEMENT_METHODS, METHODS, PAGE, PATHS, ask_all, call_all, open_ports

REST, GRPC = 8080, 7070
OPEN_WITH_KEYS = {"/ping", "/health", "/v2/health/live", "/v2/health/ready", *PAGE}
NO = {"401", "403", "404", "405", "501"}


@pytest.fixture(scope="module", params=[(), KEYS], ids=["no keys", "keys"])
def container(image: str, request: pytest.FixtureRequest) -> Iterator[Container]:
    with started_container(image, *request.param) as started:
        started.wait_until_ready()
        if not started.outside:
            pytest.skip("this podman gives a container no address of its own")
        yield started


def asks_for_keys(container: Container) -> bool:
    return "BERTH_API_KEYS=" in container.inspect("{{.Config.Env}}")


def test_four_ports_are_open_and_no_other_of_all(container: Container) -> None:
    assert open_ports(container.outside) == sorted(PORTS)


def test_nobody_reaches_what_manages_the_models(container: Container) -> None:
    statuses = {port: set(ask_all(container.outside, port, MANAGEMENT)) for port in PORTS if port != GRPC}
    assert all(found <= NO for found in statuses.values()), statuses
    assert set(call_all(container.outside, GRPC, MANAGEMENT_METHODS)) <= {"UNIMPLEMENTED", "UNAUTHENTICATED"}
    assert container.exec("berth", "describe", "bert", "--json").stdout.count('"READY"') == 1
    assert container.is_ready()


def test_the_page_is_where_models_are_asked_and_nowhere_else(container: Container) -> None:
    asked = [("GET", path) for path in (*PAGE, "/ui/models", "/ui/state")]
    statuses = {port: ask_all(container.outside, port, asked) for port in PORTS if port != GRPC}
    of_calls = "401" if asks_for_keys(container) else "200"
    assert statuses.pop(REST) == ["200"] * len(PAGE) + [of_calls] * 2
    assert {status for found in statuses.values() for status in found} == {"404"}


def test_with_keys_only_probes_and_the_pages_files_are_answered_without_one(container: Container) -> None:
    statuses = zip(PATHS, ask_all(container.outside, REST, PATHS), strict=True)
    answered = {path for (_, path), status in statuses if status != "401"}
    codes = zip(METHODS, call_all(container.outside, GRPC, METHODS), strict=True)
    called = {method for method, code in codes if code != "UNAUTHENTICATED"}
    if asks_for_keys(container):
        assert answered == OPEN_WITH_KEYS
        assert called == {"grpc.health.v1.Health/Check"}
    else:
        assert answered == {path for _, path in PATHS}
        assert called == set(METHODS)
