"""One container through its life: ready, asked by every protocol, scaled under load, stopped."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Address, IPv6Address, ip_address
from threading import Barrier, Event
from typing import Any, NoReturn

import psutil
import pytest
import requests

from berth.clients.grpc_client import GrpcClient
from berth.clients.rest_client import RestClient
from berth.errors import BerthError
from berth.wait import wait_until
from tests.support.prometheus import needs_prometheus, running_prometheus

from .podman import PORTS, READY_S, Container, podman, started_container

NUM_CLIENTS = 16
NUM_PROCESSES, GONE_S = 11, 30.0
WITHOUT_FRONT = "PATH=/opt/berth/bin:/usr/bin:/bin"


@pytest.fixture(scope="module")
def container(image: str, figures: list[str]) -> Iterator[Container]:
    """The second one: the first start of an image reads it from the disk."""
    with started_container(image) as first:
        first_s = first.wait_until_ready()
    with started_container(image) as started:
        second_s = started.wait_until_ready()
        figures.append(f"seconds from `podman run` to ready: {first_s:.1f}, and again: {second_s:.1f}")
        yield started


def test_without_haproxy_torchserve_serves(container: Container, image: str, figures: list[str]) -> None:
    """At the same addresses; how long both took to start is said by berth."""
    with started_container(image, "--env", WITHOUT_FRONT) as without:
        without.wait_until_ready()
        assert "no front: haproxy is not installed" in without.log
        assert requests.get(f"{without.url(8080)}/predictions/bert/1.0/check", timeout=30).ok
        seconds = [started_s(each) for each in (container, without)]
    figures.append(f"seconds that berth says: {seconds[0]:.2f} with the front, {seconds[1]:.2f} without")


def started_s(container: Container) -> float:
    (said,) = re.findall(r"started in ([\d.]+) s", container.log)
    return float(said)


def test_the_known_text_is_answered_as_recorded(container: Container) -> None:
    answer = requests.get(f"{container.url(8080)}/predictions/bert/1.0/check", timeout=30)
    assert answer.json()["status"] == "ok"


def test_grpc_answers_as_rest_does(container: Container) -> None:
    with RestClient(container.url(8080)) as rest, GrpcClient(container.address(7070)) as grpc:
        assert grpc.ping()
        vectors: Any = [grpc.predict("hello world", model="bert"), *rest.predict(["hello world"], model="bert")]
    assert vectors[0] == pytest.approx(vectors[1], abs=1e-6)  # a known text may be in the batch of one


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


def listeners(container: Container) -> set[tuple[int, IPv4Address | IPv6Address]]:
    """Every port and address that somebody in it listens on, out of the kernel's tables (proc(5))."""
    tables = container.exec("sh", "-c", "cat /proc/net/tcp*").stdout
    sockets = [line.split() for line in tables.splitlines()]
    listening = [fields[1].split(":") for fields in sockets if fields[3] == "0A"]
    return {(int(port, 16), kernel_address(address)) for address, port in listening}


def kernel_address(text: str) -> IPv4Address | IPv6Address:
    """Of 8 or 32 hexadecimal digits: words of 4 bytes, each the wrong way round (little endian)."""
    address = ip_address(b"".join(bytes.fromhex(text[at : at + 8])[::-1] for at in range(0, len(text), 8)))
    return getattr(address, "ipv4_mapped", None) or address


def test_management_listens_inside_only(container: Container) -> None:
    assert "bert" in container.exec("berth", "models").stdout
    found = listeners(container)
    inside = {port for port, address in found if address.is_loopback}
    assert {8081, 7071} < inside
    assert len(inside) == 7, "and TorchServe's own five, behind the front"
    assert {port for port, address in found if not address.is_loopback} == set(PORTS)


@needs_prometheus
def test_prometheus_scrapes_it(container: Container, tmp_path_factory: pytest.TempPathFactory) -> None:
    with RestClient(container.url(8080)) as client:
        client.predict(["a text to count"], model="bert")
    with running_prometheus([container.address(8082)], tmp_path_factory.mktemp("prometheus")) as prometheus:
        prometheus.wait_for('berth_requests_total{model_name="bert"} > 0')
        prometheus.wait_for('up{job="berth"} == 1')


def test_it_is_scaled_under_load_and_no_request_fails(container: Container, figures: list[str]) -> None:
    enough = Event()

    def ask(number: int) -> int:
        answered = 0
        with RestClient(container.url(8080)) as client:
            while not enough.is_set():
                client.predict([f"text {answered} of client {number}"], model="bert")
                answered += 1
        return answered

    with ThreadPoolExecutor(NUM_CLIENTS) as pool:
        clients = [pool.submit(ask, number) for number in range(NUM_CLIENTS)]
        try:
            container.exec("berth", "scale", "bert", "--workers", "2", timeout_s=READY_S)
        finally:
            enough.set()
    answered = [client.result() for client in clients]  # raises what a client met
    assert all(answered)
    assert container.exec("berth", "describe", "bert", "--json").stdout.count('"READY"') == 2
    assert container.is_ready()
    figures.append(f"scaled from 1 to 2 workers under {NUM_CLIENTS} clients: {sum(answered)} requests, 0 failures")


def ask_forever(client: RestClient) -> NoReturn:
    while True:
        client.predict(["another text"], model="bert")


def ask_until_it_fails(url: str, all_answered: Barrier) -> None:
    """One answer; when all clients had one, more and more until an error, which is not a time-out."""
    with RestClient(url) as client:
        client.predict(["the first text"], model="bert")
        all_answered.wait(READY_S)
        with pytest.raises(BerthError) as failure:
            ask_forever(client)
    assert not isinstance(failure.value.__cause__, requests.ReadTimeout)


def test_sigterm_under_load_ends_it_in_order(container: Container, figures: list[str]) -> None:
    """Requests that come after it may be lost; but nobody waits for an answer that will not come."""
    container.exec("berth", "scale", "bert", "--workers", "1", timeout_s=READY_S)
    url, all_answered = container.url(8080), Barrier(NUM_CLIENTS + 1)
    with ThreadPoolExecutor(NUM_CLIENTS) as pool:
        clients = [pool.submit(ask_until_it_fails, url, all_answered) for _ in range(NUM_CLIENTS)]
        all_answered.wait(READY_S)
        # berth; what forks, java, HAProxy and the gateway with a guard each; the worker that is left, with its
        # berth-python
        assert wait_until(lambda: len(container.processes()) == NUM_PROCESSES, GONE_S), container.processes()
        processes = container.processes()
        assert container.stop() == 0
    for client in clients:
        client.result()  # raises what a client did not expect
    assert container.log.splitlines()[-1] == "berth: stopped"
    _, alive = psutil.wait_procs(processes, timeout=GONE_S)
    assert alive == []
    figures.append(f"SIGTERM under {NUM_CLIENTS} clients: exit 0, {len(processes)} processes, none left")
