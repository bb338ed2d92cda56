"""What is settled before java starts, and the command line and environment that follow from it. Pure."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..archive.served_model import ServedModel
from ..memory.fit import Fitted
from ..process.java import Java, java_command
from ..settings import Settings
from ..workers.environment import server_environment
from ..workers.fork_protocol import ADDRESS_VARIABLE, SOCKET
from .forks import WORKER_PYTHON

LOG_CONFIG = Path(__file__).with_name("log4j2.xml")
METRICS_CONFIG = Path(__file__).with_name("metrics.yaml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One server's settings, models and machine."""

    settings: Settings
    models: tuple[ServedModel, ...]
    java: Java
    fitted: Fitted
    """How much memory it takes, and java of it."""
    num_gpus: int
    is_forked: bool
    """Whether workers are forked, or each is a Python of its own."""
    drain_s: float
    """For the answers to what was accepted, when the server ends."""

    @property
    def num_workers(self) -> int:
        """Per model: what config.properties says; its 0 means one per GPU, and one on a CPU."""
        return self.settings.workers_on(self.num_gpus)

    @property
    def names(self) -> str:
        """The models, for a sentence."""
        return ", ".join(model.name for model in self.models)

    def command(self, run_folder: Path) -> list[str]:
        """TorchServe's frontend as `torchserve` would start it."""
        settings = self.settings
        vmargs = self.fitted.budget.jvm.options(settings.vmargs)
        return [
            *java_command(self.java, vmargs=vmargs, log_config=LOG_CONFIG, run_folder=run_folder),
            *("--python", str(WORKER_PYTHON) if self.is_forked else sys.executable),
            *("-f", str(settings.config), "-s", str(settings.model_store)),
            "-ncs",  # without it TorchServe restores the models and addresses of its last run
            *("-m", *self._locations()),
        ]

    def environment(self, environ: Mapping[str, str], run_folder: Path) -> dict[str, str]:
        """What java starts with. It beats TorchServe's command line and its file, so berth decides here."""
        threads = self.fitted.budget.jvm.threads
        return {
            **server_environment(environ, run_folder),
            **({ADDRESS_VARIABLE: str(run_folder / SOCKET)} if self.is_forked else {}),
            "TS_CONFIG_FILE": str(self.settings.config),
            "TS_LOAD_MODELS": ",".join(self._locations()),
            "TS_MODEL_STORE": str(self.settings.model_store),
            "TS_METRICS_CONFIG": str(METRICS_CONFIG),
            "TS_DEFAULT_WORKERS_PER_MODEL": str(self.num_workers),
            "TS_NUMBER_OF_GPU": str(self.num_gpus),
            "TS_NUMBER_OF_NETTY_THREADS": str(self.settings.netty_threads or threads),
            "TS_NETTY_CLIENT_THREADS": str(self.settings.netty_client_threads or threads),
            # Read by the worker too, which does not see config.properties.
            "TS_MAX_RESPONSE_SIZE": str(self.settings.max_response_bytes),
            "TS_DECODE_INPUT_REQUEST": "false",  # and Settings requires the same of the frontend
        }

    def _locations(self) -> list[str]:
        """TorchServe's notation: a folder is linked to, where a .mar would be copied at every start."""
        return [f"{model.name}={model.folder}" for model in self.models]
