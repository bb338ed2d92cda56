"""The environment and the command line that java starts with."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from berth.archive.served_model import ServedModel
from berth.clients.launcher import Capacity
from berth.machine.forking import WORKER_PYTHON
from berth.machine.limits import MemoryLimit
from berth.machine.machine import Machine
from berth.machine.quantities import GIB, MIB
from berth.memory.budget import Budget, ServerSizes
from berth.memory.fit import MemoryPlan
from berth.memory.jvm import Jvm
from berth.memory.split import Split
from berth.process.java import Java
from berth.serve.plan import LINKS, LOG_CONFIG, ServerPlan
from berth.settings import Settings
from berth.workers.fork_protocol import ADDRESS_VARIABLE, SOCKET, VISIBLE_GPUS, WORKER_GPUS
from berth.workers.renewal import LIMITS_VARIABLE

CONFIG = Path(__file__).parents[4] / "config.properties"
FOLDER = Path("/tmp/run/g1")
SIZES = ServerSizes(
    queue_length=256,
    request_bytes=MIB,
    response_bytes=MIB,
    vmargs=(),
    cores=5,
    num_gpus=0,
    is_forked=True,
    connections=0,
    has_tls=False,
)
MODELS = tuple(ServedModel(name=name, version="1.0", folder=Path("/cache") / name) for name in ("bert", "other"))


def make_plan(num_gpus: int = 0, *, is_forked: bool = True, workers: int = 1) -> ServerPlan:
    settings = Settings.load(CONFIG, {})
    jvm = Jvm(heap_bytes=256 * MIB, direct_bytes=128 * MIB, threads=3)
    budget = Budget(parts=(), gpu_parts=(), jvm=jvm, worker_bytes={"bert": GIB})
    machine = Machine(
        memory=MemoryLimit(bytes=MIB, source="this machine"),
        cores=5,
        num_gpus=num_gpus,
        gpu=None,
        not_forked=None if is_forked else "this kernel has no pidfd_open",
    )
    memory = MemoryPlan(
        budget=budget,
        least=budget,
        machine=machine,
        names=("bert", "other"),
        workers=workers,
        why_workers="somebody said so",
        queue_length=256,
        connections=0,
        max_workers=1,
        why_no_more="memory",
        refusal=None,
        models=(),
        server=SIZES,
    )
    java = Java(executable=Path("/java"), version=25)
    return ServerPlan(settings=settings, models=MODELS, java=java, memory=memory, front=None, drain_s=60.0)


def test_java_is_told_the_models_the_config_and_the_run_folder() -> None:
    command = make_plan().command(FOLDER)
    assert command[-2:] == ["bert=0", "other=1"]
    assert command[command.index("-s") + 1] == str(FOLDER / LINKS)
    assert ["--python", str(WORKER_PYTHON)] == command[command.index("--python") :][:2]
    assert f"-Djava.io.tmpdir={FOLDER}" in command
    assert f"-Dlog4j.configurationFile={LOG_CONFIG.as_uri()}" in command
    assert "-ncs" in command
    assert "-Xmx256m" in command


def test_without_forks_it_starts_python() -> None:
    plan = make_plan(is_forked=False)
    command = plan.command(FOLDER)
    assert command[command.index("--python") + 1] == sys.executable
    assert ADDRESS_VARIABLE not in plan.environment({}, FOLDER)
    environment = make_plan().environment({}, FOLDER)
    assert environment[ADDRESS_VARIABLE] == str(FOLDER.parent / SOCKET)
    assert json.loads(environment[LIMITS_VARIABLE]) == {"bert": GIB}


def test_the_environment_carries_what_berth_decided() -> None:
    environ = {
        "PYTHONPATH": "/elsewhere",
        "PYTHONHOME": "/elsewhere",
        "PYTHONSAFEPATH": "1",
        "TS_LOAD_MODELS": "x.mar",
        "HOME": "/home/somebody",
        "LC_ALL": "C",
    }
    plan = make_plan()
    environment = plan.environment(environ, FOLDER)
    assert not {"PYTHONPATH", "PYTHONHOME", "PYTHONSAFEPATH"} & set(environment)
    assert environment["PYTHONDONTWRITEBYTECODE"] == "1"
    assert environment["TS_DECODE_INPUT_REQUEST"] == "false"
    assert environment["HOME"] == "/home/somebody"
    assert environment["TS_LOAD_MODELS"] == "bert=0,other=1"
    assert environment["TS_MODEL_STORE"] == str(FOLDER / LINKS)
    assert environment["LC_ALL"] == "C.UTF-8"
    assert environment["TS_CONFIG_FILE"] == str(FOLDER / CONFIG.name)
    assert environment["BERTH_CORES"] == "5"
    assert environment["TS_MAX_REQUEST_SIZE"] == str(plan.settings.max_request_bytes)
    assert environment["TS_MAX_RESPONSE_SIZE"] == str(plan.settings.max_response_bytes)
    assert environment["TMPDIR"] == str(FOLDER)
    assert environment["TS_NUMBER_OF_NETTY_THREADS"] == environment["TS_NETTY_CLIENT_THREADS"] == "3"


@pytest.mark.parametrize(("num_gpus", "device"), [(0, "cpu"), (4, "cuda")])
def test_torchserve_and_the_workers_are_told_what_was_chosen(num_gpus: int, device: str) -> None:
    environment = make_plan(num_gpus, workers=4).environment({"BERTH_DEVICE": "auto"}, FOLDER)
    assert environment["TS_DEFAULT_WORKERS_PER_MODEL"] == "4"
    assert environment["TS_JOB_QUEUE_SIZE"] == "256"
    assert environment["TS_NUMBER_OF_GPU"] == str(num_gpus)
    assert environment["BERTH_DEVICE"] == device
    assert environment["PYTORCH_NVML_BASED_CUDA_CHECK"] == "1"


def test_a_split_decides_how_many_threads_the_workers_share() -> None:
    split = Split(workers=2, threads=4, token_budget=1024)
    environment = replace(make_plan(workers=2), split=split).environment({}, FOLDER)
    assert (environment["BERTH_CORES"], environment["TS_NETTY_CLIENT_THREADS"]) == ("8", "3")
    fewer = replace(make_plan(workers=1), split=split)  # memory held no more
    assert fewer.environment({}, FOLDER)["BERTH_CORES"] == "4"


def test_names_of_gpus_reach_the_workers_and_not_torchserve_which_reads_numbers_only() -> None:
    environment = make_plan(1).environment({VISIBLE_GPUS: "GPU-1a2b"}, FOLDER)
    assert (environment[WORKER_GPUS], VISIBLE_GPUS in environment) == ("GPU-1a2b", False)
    unforked = make_plan(1, is_forked=False).environment({VISIBLE_GPUS: "1"}, FOLDER)
    assert (unforked[VISIBLE_GPUS], WORKER_GPUS in unforked) == ("1", False)


@pytest.mark.parametrize("is_forked", [True, False])
def test_on_a_cpu_torchserve_does_not_ask_nvidia_smi(is_forked: bool) -> None:
    environment = make_plan(0, is_forked=is_forked).environment({VISIBLE_GPUS: "GPU-1a2b"}, FOLDER)
    assert (environment[VISIBLE_GPUS], environment["TS_NUMBER_OF_GPU"]) == ("-1", "0")


def test_scale_is_told_the_room_and_whose_it_is() -> None:
    plan = make_plan()
    assert plan.capacity == Capacity(
        inference="http://127.0.0.1:8080",
        management="http://127.0.0.1:8081",
        models=("bert", "other"),
        max_workers=1,
        reason="memory",
        budget_bytes=plan.memory.budget.total_bytes,
        granted_bytes=plan.memory.machine.memory.bytes,
    )
