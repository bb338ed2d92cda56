"""A server that is ready: what it said, what it answers, and what its worker was given."""

import json
import os
import re
import shlex
import socket
import stat
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests

from berth.archive.unpack import unpack_once
from berth.clients.grpc_client import MANAGEMENT, GrpcClient
from berth.errors import BerthError
from berth.front import front
from berth.front.config import GATEWAY_GRPC, GATEWAY_HTTP, INSIDE, RUNTIME
from berth.machine.gpu import find_gpus
from berth.machine.limits import granted_cores
from berth.process.run_folder import LOCK
from berth.properties import parse_properties
from berth.serve.plan import LINKS
from berth.serve.rollout.orders import SOCKET as ORDERS
from berth.tune.ports import free_ports, port_variables
from berth.workers.fork_protocol import SOCKET
from tests.support.servers import CONFIG, Server, running_server
from tests.support.standin import ANSWERS, make_standin

pytestmark = pytest.mark.server

FRONT_FILES = (front.CONFIG, front.FIRST, INSIDE, RUNTIME, GATEWAY_HTTP, GATEWAY_GRPC)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Of all that lies in a model store, by a file as a TorchServe project has it."""
    folder = tmp_path_factory.mktemp("archives")
    second = make_standin(folder, name="second")
    unpack_once(second, folder).rename(folder / "modèle 模型, v1..2=%20")
    second.unlink()
    make_standin(folder)
    config = tmp_path_factory.mktemp("project") / "config.properties"
    config.write_text(f"model_store: {folder}\nload_models=all\nasync_logging=true\n")
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    ports = free_ports()
    environment = {
        **port_variables(ports),
        "TS_METRICS_ADDRESS": f"http://0.0.0.0:{ports['metrics']}",
        "PYTHONPATH": str(elsewhere),
        "HTTP_PROXY": "http://127.0.0.1:9",
        "LC_ALL": "C",
        "PYTHONUTF8": "0",
    }
    with running_server([], environment, ["--config", str(config)]) as running:
        yield replace(running, ports=ports)


def test_every_model_is_ready_when_berth_says_so(server: Server) -> None:
    for model in ("bert", "second"):
        assert [worker["status"] for worker in server.describe(model)["workers"]] == ["READY"]


def test_the_line_to_try_works(server: Server) -> None:
    lines = [line.removeprefix("berth: ") for line in server.log.splitlines() if "curl" in line]
    assert len(lines) == 2
    ran = subprocess.run([*shlex.split(lines[0]), "-s", "-f", "--noproxy", "*"], capture_output=True, check=True)
    assert json.loads(ran.stdout)["status"] == "ok"


def test_the_worker_imports_the_archives_handler_and_nothing_of_pythonpath(server: Server) -> None:
    facts = requests.post(f"{server.inference_url}/predictions/bert", data=b"x", timeout=30).json()
    folder = Path(facts["file"]).parents[1]
    assert folder.parent.name == "berth"
    assert not any("elsewhere" in entry for entry in facts["path"])
    assert not list(folder.rglob("__pycache__"))
    properties = parse_properties(CONFIG.read_text("utf-8"))
    assert facts["environment"]["TS_MAX_RESPONSE_SIZE"] == properties["max_response_size"]
    assert facts["environment"]["TS_DECODE_INPUT_REQUEST"] == "false"
    assert facts["environment"]["BERTH_CORES"] == str(granted_cores())


def test_a_folder_may_have_any_name_in_any_locale(server: Server) -> None:
    facts = requests.post(f"{server.inference_url}/predictions/second", data=b"x", timeout=30).json()
    assert Path(facts["file"]).parents[1].name == "modèle 模型, v1..2=%20"


def test_all_addresses_are_those_of_ipv6_too(server: Server) -> None:
    if not Path("/proc/net/if_inet6").is_file():
        pytest.skip("this machine has no IPv6")
    with socket.create_connection(("::1", server.ports["metrics"]), timeout=5):
        pass


def test_on_a_cpu_there_is_one_worker(server: Server) -> None:
    if find_gpus(os.environ):
        pytest.skip("this machine has a GPU")
    assert "workers of each model: 1, because on a CPU one uses all cores; queue: 128 requests" in server.log
    assert "workers per model: 1" in server.log
    assert len(server.worker_pids()) == 1


def test_workers_are_started_together(tmp_path: Path) -> None:
    """Neither ends its load before both have begun it."""
    wait_for_the_other = (
        f"import pathlib, time; pathlib.Path({str(tmp_path)!r}, f'began-{{os.getpid()}}').touch()\n"
        f"        while len(list(pathlib.Path({str(tmp_path)!r}).glob('began-*'))) < 2: time.sleep(0.01)"
    )
    archive = make_standin(tmp_path, ANSWERS.replace('"""Nothing to load."""', wait_for_the_other))
    with running_server([archive], {"TS_DEFAULT_WORKERS_PER_MODEL": "2"}) as server:
        assert len(server.worker_pids()) == 2


def test_the_log_says_what_the_start_took(server: Server) -> None:
    assert re.search(r"started in [\d.]+ s: checks [\d.]+, Java [\d.]+, workers [\d.]+$", server.log, re.MULTILINE)


def test_a_prediction_leaves_no_line_in_the_log_and_no_file_in_the_run_folder(server: Server) -> None:
    before = server.log
    requests.get(f"{server.inference_url}/predictions/bert/1.0/check", timeout=30).raise_for_status()
    assert server.log == before
    (run_folder,) = server.temp.glob("berth-*")
    assert sorted(path.name for path in run_folder.iterdir()) == sorted([SOCKET, LOCK, ORDERS, "g1", "f1"])
    of_java = {path.name for path in (run_folder / "g1").iterdir() if not path.name.startswith(".ts.sock")}
    assert of_java == {"models", LINKS, CONFIG.name}
    assert {path.name for path in (run_folder / "f1").iterdir()} == set(FRONT_FILES)


def test_metrics_are_prometheus(server: Server) -> None:
    requests.get(f"{server.inference_url}/predictions/bert/1.0/check", timeout=30).raise_for_status()
    assert "ts_inference_requests_total" in requests.get(f"{server.metrics_url}/metrics", timeout=30).text


def test_no_port_registers_or_unregisters_a_model(server: Server, tmp_path: Path) -> None:
    """A folder that java can read is what an open model API would take."""
    third, management = unpack_once(make_standin(tmp_path, name="third"), tmp_path), server.ports["management"]
    listening = [each for each in server.java.net_connections("tcp") if each.status == psutil.CONN_LISTEN]
    ports = {each.laddr.port for each in listening}
    assert len(ports) == 5
    orders = (
        ("POST", f"/models?url={third}&initial_workers=1"),
        ("POST", f"/workflows?url={third}"),
        ("DELETE", "/models/bert"),
        ("DELETE", "/models/bert/1.0"),
    )
    for method, path in orders:
        (status, said), *others = [ask(port, method, path) for port in (management, *ports)]
        assert (status, said["type"]) == (405, "MethodNotAllowed")
        assert "`berth rollout`, `berth register` and `berth unregister` do it" in said["message"]
        assert {status for status, _ in others} <= {0, 404, 405}
    with GrpcClient(f"127.0.0.1:{server.ports['grpc_management']}") as client:
        for name, fields in (("RegisterModel", {"url": str(third)}), ("UnregisterModel", {"model_name": "bert"})):
            with pytest.raises(BerthError, match="PERMISSION_DENIED: Model API disabled"):
                list(client.call(f"{MANAGEMENT}.{name}", **fields))
        assert client.models() == ["bert", "second"]
    requests.post(f"{server.inference_url}/predictions/bert", data=b"x", timeout=30).raise_for_status()


def ask(port: int, method: str, path: str) -> tuple[int, Any]:
    """The status and the body of what a port answers; 0 where it speaks gRPC alone."""
    try:
        answer = requests.request(method, f"http://127.0.0.1:{port}{path}", timeout=30)
    except requests.ConnectionError:
        return 0, None
    return answer.status_code, answer.json()


def test_orders_are_taken_of_this_user_alone(server: Server) -> None:
    (orders,) = server.temp.glob(f"berth-*/{ORDERS}")
    assert stat.S_IMODE(orders.stat().st_mode) == 0o600
    assert stat.S_IMODE(orders.parent.stat().st_mode) == 0o700


def test_the_log_says_which_settings_and_that_there_are_no_keys(server: Server) -> None:
    assert "config.properties" in server.log.splitlines()[0]
    assert f"no API key is asked for: the models at {server.inference_url} can be asked from this" in server.log
