"""A server on a machine whose driver shows a GPU: what is chosen, and what becomes of workers that cannot use it.

The seam is nvidia-smi and the word that torch was built for CUDA; torch itself is the one that is here.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
import torch

from berth.clients.management import ManagementClient
from berth.memory.plan import LONGEST_QUEUE
from tests.support.servers import READY_S, Server, started_server
from tests.support.standin import make_standin

pytestmark = [
    pytest.mark.server,
    pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU: tests/gpu look at the real one"),
]
# The first query is berth's; TorchServe asks for indices.
NVIDIA_SMI = """#!/bin/sh
case "$*" in
*mig.mode*) echo "GPU-1, [N/A], NVIDIA L4, 23034, 22500" ;;
*) echo index; echo 0 ;;
esac
"""
FOR_CUDA = "import sys, berth.machine.gpu as gpu; gpu.has_cuda_build = lambda: True; "
UNFORKED = "import sys, berth.machine.forking as forking; forking.WORKER_PYTHON = forking.Path('/nowhere/python'); "
RUN = "del sys.argv[0]; from berth.cli import main; main()"


@contextmanager
def changed_server(archive: Path, change: str, variables: dict[str, str]) -> Iterator[Server]:
    """`berth serve`, after a change to what it finds on this machine."""
    with started_server([archive], variables, wrapper=(sys.executable, "-c", change + RUN)) as server:
        yield server


@pytest.fixture
def driver(tmp_path: Path) -> dict[str, str]:
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "nvidia-smi").write_text(NVIDIA_SMI)
    (folder / "nvidia-smi").chmod(0o755)
    return {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}


def test_what_fills_the_card_is_chosen_said_and_started(driver: dict[str, str], tmp_path: Path) -> None:
    variables = {**driver, "CUDA_VISIBLE_DEVICES": "GPU-1"}
    with changed_server(make_standin(tmp_path), FOR_CUDA, variables) as server:
        server.wait_for_log("berth: ready")
        assert "device: 1 GPU" in server.log
        assert "because NVIDIA L4 is filled by 2 (not measured)" in server.log
        assert f"queue: {LONGEST_QUEUE} requests" in server.log
        assert ManagementClient(server.management_url).describe("bert").queue_length == LONGEST_QUEUE
        facts = requests.post(f"{server.inference_url}/predictions/bert", data=b"x", timeout=30).json()
        assert facts["environment"]["BERTH_DEVICE"] == "cuda"
        assert facts["environment"]["CUDA_VISIBLE_DEVICES"] == "GPU-1"
        assert facts["environment"]["PYTORCH_NVML_BASED_CUDA_CHECK"] == "1"
        assert server.forks.children(), "its workers are forks"


def test_a_worker_whose_torch_sees_no_gpu_ends_the_start_with_its_reason(
    driver: dict[str, str], sample_archive: Path
) -> None:
    with changed_server(sample_archive, FOR_CUDA, driver) as server:
        assert server.wait_for_end(READY_S) == 4
        assert "could not be loaded: " in server.log.splitlines()[-1]
        assert "this worker was given GPU 0, but torch sees none" in server.log.splitlines()[-1]


def test_without_forks_each_worker_is_javas_and_it_is_said(tmp_path: Path) -> None:
    with changed_server(make_standin(tmp_path), UNFORKED, {}) as server:
        server.wait_for_log("berth: ready")
        assert "each worker imports for itself, none is forked: /nowhere/python is missing" in server.log
        assert [child.pid for child in server.java.children()] == server.worker_pids()
