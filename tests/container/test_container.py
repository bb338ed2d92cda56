"""One container through its life: ready, asked by every protocol, scaled under load, stopped."""

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import psutil
import pytest
import requests

from berth.client import Client
from berth.grpc_client import Client as GrpcClient

from ..prometheus import needs_prometheus, running_prometheus
from .podman import Container, podman, started_container

NUM_CLIENTS = 16
GONE_S = 5.0


@pytest.fixture(scope="module")
def container(image: str, figures: list[str]) -> Iterator[Container]:
    with started_container(image) as started:
        figures.append(f"seconds from `podman run` to ready: {started.wait_until_ready():.1f}")
        yield started


def test_the_known_text_is_answered_as_recorded(container: Container) -> None:
    answer = requests.get(f"{container.url(8080)}/predictions/bert", timeout=30)
    assert answer.json()["status"] == "ok"


def test_grpc_answers_as_rest_does(container: Container) -> None:
    with Client(container.url(8080)) as rest, GrpcClient(container.address(7070)) as grpc:
        assert grpc.ping()
        assert grpc.predict("bert", "hello world") == rest.predict("bert", ["hello world"])[0]


def test_every_probe_says_yes(container: Container) -> None:
    assert [requests.get(container.url(8090) + path, timeout=5).status_code for path in ("/startup", "/live")] == [
        200
    ] * 2
    container.exec("python3", "-m", "berth.health", "/live")
    podman("healthcheck", "run", container.name)


def test_it_is_nobody_and_can_write_nothing(container: Container) -> None:
    status = container.exec("cat", "/proc/1/status").stdout
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert fields["Uid"].split() == ["10001"] * 4
    assert int(fields["CapBnd"], 16) == 0
    assert fields["NoNewPrivs"] == "1"
    for folder in ("/", "/models/bert", "/opt/berth", "/var/tmp"):
        assert container.exec("touch", f"{folder}/x", check=False).returncode, folder


def test_process_1_is_berth_serve(container: Container) -> None:
    assert container.exec("cat", "/proc/1/cmdline").stdout.split("\0")[1:3] == ["/opt/berth/bin/berth", "serve"]


def test_management_answers_inside_only(container: Container) -> None:
    assert "bert" in container.exec("berth", "models").stdout
    address = container.inspect("{{.NetworkSettings.IPAddress}}")
    socket.create_connection((address, 8080), timeout=5).close()
    for port in (8081, 7071):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((address, port), timeout=5)


@needs_prometheus
def test_prometheus_scrapes_it(container: Container, tmp_path_factory: pytest.TempPathFactory) -> None:
    with running_prometheus(container.address(8082), tmp_path_factory.mktemp("prometheus")) as prometheus:
        prometheus.wait_for('berth_requests_total{model_name="bert"} > 0')
        prometheus.wait_for('up{job="berth"} == 1')


def test_it_is_scaled_under_load_and_no_request_fails(container: Container, figures: list[str]) -> None:
    enough = Event()

    def ask(number: int) -> int:
        answered = 0
        with Client(container.url(8080)) as client:
            while not enough.is_set():
                client.predict("bert", [f"text {answered} of client {number}"])
                answered += 1
        return answered

    with ThreadPoolExecutor(NUM_CLIENTS) as pool:
        clients = [pool.submit(ask, number) for number in range(NUM_CLIENTS)]
        try:
            container.exec("berth", "scale", "bert", "--workers", "2")
        finally:
            enough.set()
    answered = [client.result() for client in clients]  # raises what a client met
    assert all(answered)
    assert container.exec("berth", "describe", "bert", "--json").stdout.count('"READY"') == 2
    assert container.is_ready()
    figures.append(f"scaled from 1 to 2 workers under {NUM_CLIENTS} clients: {sum(answered)} requests, 0 failures")


def test_sigterm_ends_it_in_order(container: Container, figures: list[str]) -> None:
    processes = container.processes()
    assert len(processes) >= 4  # berth, java, two workers
    assert container.stop() == 0
    assert container.log.splitlines()[-1] == "berth: stopped"
    _, alive = psutil.wait_procs(processes, timeout=GONE_S)
    assert alive == []
    figures.append(f"SIGTERM: exit 0, {len(processes)} processes, none left")
