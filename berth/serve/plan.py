"""What is settled before java starts, and the command line and environment that follow from it. Pure."""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from handler.config import Device

from ..archive.served_model import ServedModel
from ..clients.launcher import Capacity
from ..front.plan import FrontPlan
from ..machine.forking import WORKER_PYTHON
from ..machine.gpu import DEVICE_VARIABLE
from ..memory.fit import MemoryPlan
from ..memory.split import Split
from ..process.java import Java, java_command
from ..settings import CONFIG_NAME, Settings
from ..workers.environment import server_environment
from ..workers.fork_protocol import ADDRESS_VARIABLE, SOCKET, VISIBLE_GPUS, WORKER_GPUS
from ..workers.renewal import LIMITS_VARIABLE

LINKS = "served"
"""The folder in a generation's own with a link to each model."""
NO_GPU = "-1"
"""A CUDA_VISIBLE_DEVICES of no GPU that TorchServe can read, which takes an empty one for none at all."""
BEHIND_A_FRONT: Mapping[str, str] = {
    "TS_ENABLE_GRPC_SSL": "false",
    "TS_CERTIFICATE_FILE": "",
    "TS_PRIVATE_KEY_FILE": "",
    "TS_CORS_ALLOWED_ORIGIN": "",
    "TS_CORS_ALLOWED_METHODS": "",
    "TS_CORS_ALLOWED_HEADERS": "",
}
"""What config.properties says of TLS and CORS is for the front alone."""
LOG_CONFIG = Path(__file__).with_name("log4j2.xml")
METRICS_CONFIG = Path(__file__).with_name("metrics.yaml")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerPlan:
    """One server: what it serves, with what settings, on what machine."""

    settings: Settings
    models: tuple[ServedModel, ...]
    """Of each name the first is the default, here as in TorchServe."""
    java: Java
    memory: MemoryPlan
    """How much memory the server takes, and java of it; and the machine that grants it."""
    front: FrontPlan | None
    """Who takes the addresses of the settings instead of TorchServe; None where TorchServe keeps them."""
    drain_s: float
    """How long, when the server ends, what was accepted may take to be answered."""
    split: Split | None = None
    """What `berth tune` found best for the only model; None: each worker has its share of the cores."""

    @property
    def behind(self) -> Settings:
        """The settings with the addresses that TorchServe itself listens on."""
        return self.front.behind if self.front else self.settings

    @property
    def num_workers(self) -> int:
        """Workers that each model starts with, unless `workers_of` has fewer."""
        return self.memory.workers

    def workers_of(self, model: ServedModel) -> int:
        """Workers that this model starts with, where a rollout keeps another number of it than of others."""
        return self.memory.workers_of.get(model.path, self.num_workers)

    @property
    def num_threads(self) -> int:
        """Threads of all workers together."""
        return self.split.threads * self.num_workers if self.split else self.memory.machine.cores

    @property
    def is_forked(self) -> bool:
        """Whether workers are forked; else each is a Python of its own."""
        return self.memory.machine.not_forked is None

    @property
    def names(self) -> str:
        """The models' names, for a sentence, with the versions of those that have several."""
        versions: dict[str, list[str]] = {}
        for model in self.models:
            versions.setdefault(model.name, []).append(model.version)
        return ", ".join(_with_versions(name, each) for name, each in versions.items())

    @property
    def capacity(self) -> Capacity:
        """What is published: the addresses, and what `berth scale` may ask for."""
        return Capacity(
            inference=self.settings.inference.url,
            management=self.settings.management.url,
            models=tuple(dict.fromkeys(self.memory.names)),
            max_workers=self.memory.max_workers,
            reason=self.memory.why_no_more,
            budget_bytes=self.memory.budget.total_bytes,
            granted_bytes=self.memory.machine.memory.bytes,
        )

    def command(self, folder: Path) -> list[str]:
        """The command line of TorchServe's frontend, as `torchserve` would start it, in a folder of the run folder.

        There the settings' properties lie in a file, as CONFIG_NAME.
        """
        settings = self.settings
        vmargs = self.memory.budget.jvm.options(settings.vmargs)
        return [
            *java_command(self.java, vmargs=vmargs, log_config=LOG_CONFIG, run_folder=folder),
            *("--python", str(WORKER_PYTHON) if self.is_forked else sys.executable),
            *("-f", str(folder / CONFIG_NAME), "-s", str(folder / LINKS)),
            "-ncs",  # without it TorchServe restores the models and addresses of its last run
            *("-m", *self._locations()),
        ]

    def environment(self, environ: Mapping[str, str], folder: Path) -> dict[str, str]:
        """The environment of java and its workers. It beats TorchServe's command line and file: berth decides here."""
        machine = self.memory.machine
        threads = self.memory.budget.jvm.threads
        return {
            **self._worker_environment(environ, folder),
            "TS_CONFIG_FILE": str(folder / CONFIG_NAME),
            "TS_LOAD_MODELS": ",".join(self._locations()),
            "TS_MODEL_STORE": str(folder / LINKS),
            "TS_METRICS_CONFIG": str(METRICS_CONFIG),
            "TS_DEFAULT_WORKERS_PER_MODEL": str(self.num_workers),
            "TS_JOB_QUEUE_SIZE": str(self.memory.queue_length),
            "TS_NUMBER_OF_GPU": str(machine.num_gpus),
            # TorchServe asks nvidia-smi without it: it waits for one that hangs, and ends at "No devices were found".
            **({} if machine.num_gpus else {VISIBLE_GPUS: NO_GPU}),
            "TS_NUMBER_OF_NETTY_THREADS": str(self.settings.netty_threads or threads),
            "TS_NETTY_CLIENT_THREADS": str(self.settings.netty_client_threads or threads),
            # Read by the workers, which see neither config.properties nor every control group's quota, and share them.
            "BERTH_CORES": str(self.num_threads),
            # Memory was counted for this one: a worker that cannot use a GPU says why, and does not take the CPU.
            DEVICE_VARIABLE: Device.CUDA if machine.num_gpus else Device.CPU,
            "TS_INFERENCE_ADDRESS": f"http://{self.behind.inference.address}",
            "TS_GRPC_INFERENCE_ADDRESS": self.behind.grpc_inference.host,
            "TS_GRPC_INFERENCE_PORT": str(self.behind.grpc_inference.port),
            "TS_MANAGEMENT_ADDRESS": f"http://{self.behind.management.address}",
            "TS_METRICS_ADDRESS": f"http://{self.behind.metrics.address}",
            "TS_GRPC_MANAGEMENT_ADDRESS": self.behind.grpc_management.host,
            "TS_GRPC_MANAGEMENT_PORT": str(self.behind.grpc_management.port),
            "TS_MAX_REQUEST_SIZE": str(self.settings.max_request_bytes),
            **(BEHIND_A_FRONT if self.front else {}),
            "TS_MAX_RESPONSE_SIZE": str(self.settings.max_response_bytes),
            "TS_DECODE_INPUT_REQUEST": "false",  # and Settings requires the same of the frontend
        }

    def _worker_environment(self, environ: Mapping[str, str], folder: Path) -> dict[str, str]:
        """What all workers get, and how they are forked; without forks TorchServe reads CUDA_VISIBLE_DEVICES itself."""
        environment = server_environment(environ, folder)
        if not self.is_forked:
            return environment
        visible = {WORKER_GPUS: environment.pop(VISIBLE_GPUS)} if VISIBLE_GPUS in environment else {}
        limits = json.dumps(self.memory.budget.worker_bytes)
        return {**environment, **visible, ADDRESS_VARIABLE: str(folder.parent / SOCKET), LIMITS_VARIABLE: limits}

    @property
    def links(self) -> Mapping[str, ServedModel]:
        """The links to make in the folder LINKS, which is TorchServe's model store: the name of each and its model.

        TorchServe refuses a path with "..", splits one at a comma, and knows no name that is not UTF-8. A folder is
        linked to, where a .mar would be copied at every start.
        """
        return {str(number): model for number, model in enumerate(self.models)}

    def _locations(self) -> list[str]:
        """The models in TorchServe's notation."""
        return [f"{model.name}={link}" for link, model in self.links.items()]


def _with_versions(name: str, versions: Sequence[str]) -> str:
    default, *others = versions
    return f"{name} ({default} by default, and {', '.join(others)})" if others else name
