"""A Ray cluster of several nodes on this machine, each a process tree of its own that may be killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from berth.tune.ports import free_ports

DEADLINE_S = 120.0
STORE_BYTES = 100 << 20
AUTHENTICATION = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "0" * 64}
"""What whoever asks the cluster has in its environment."""


class Node:
    """`ray start --block` with one core."""

    def __init__(self, name: str, words: Sequence[str], log: Path) -> None:
        """Start it; what it says goes to `log`."""
        common = ["--block", "--num-cpus=1", f"--object-store-memory={STORE_BYTES}", "--disable-usage-stats"]
        command = [sys.executable, "-m", "ray.scripts.scripts", "start", f"--node-name={name}", *common, *words]
        with log.open("wb") as out:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                env={
                    **os.environ,
                    **AUTHENTICATION,
                    "RAY_enable_metrics_collection": "0",
                    "RAY_raylet_start_wait_time_s": "120",
                },
            )

    def kill(self) -> None:
        """End the node and all that it has started, by SIGKILL, the raylet first."""
        with suppress(psutil.NoSuchProcess):
            children = psutil.Process(self._process.pid).children(recursive=True)
            for child in sorted(children, key=lambda each: each.name() != "raylet"):
                with suppress(psutil.NoSuchProcess):
                    child.send_signal(signal.SIGKILL)
        self._process.kill()
        self._process.wait()


@dataclass(frozen=True, slots=True, kw_only=True)
class RayCluster:
    """Nodes that know each other."""

    address: str
    nodes: Sequence[Node]


@contextmanager
def started_cluster(folder: Path, num_nodes: int) -> Iterator[RayCluster]:
    """A head and further nodes, all with one core; `folder` has a short path, for sockets lie in it."""
    ports = free_ports()
    port, client_port = ports["inference"], ports["management"]
    address = f"127.0.0.1:{port}"
    head = ["--head", f"--port={port}", f"--ray-client-server-port={client_port}", f"--temp-dir={folder}"]
    nodes: list[Node] = []
    try:
        for number in range(num_nodes):  # one after the other: two at once have waited for each other in vain
            words = [f"--address={address}"] if number else [*head, "--include-dashboard=false"]
            nodes.append(Node(f"node-{number}", [*words, "--node-ip-address=127.0.0.1"], folder / f"node-{number}.log"))
            _wait(address, number + 1)
        yield RayCluster(address=address, nodes=nodes)
    finally:
        for node in reversed(nodes):
            node.kill()


def _wait(address: str, num_nodes: int) -> None:
    """Return when so many nodes are alive."""
    program = (
        "import sys, ray._raylet as raylet; from ray._private.state import GlobalState; "
        "from ray._raylet import GcsClientOptions; state = GlobalState(); "
        "state._initialize_global_state(GcsClientOptions.create(sys.argv[1], None, allow_cluster_id_nil=True, "
        "fetch_cluster_id_if_nil=False)); print(sum(node['Alive'] for node in state.node_table()))"
    )
    env = {**os.environ, **AUTHENTICATION}
    deadline_s = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline_s:
        done = subprocess.run(
            [sys.executable, "-c", program, address], capture_output=True, text=True, check=False, env=env
        )
        if done.stdout.strip() == str(num_nodes):
            return
        time.sleep(0.5)
    raise TimeoutError(f"no {num_nodes} nodes at {address}: {done.stderr[-2000:]}")
