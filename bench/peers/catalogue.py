"""Every peer, and each setting in which it is tried: workers of one core, or one worker with all; batches or none."""

import shutil
import subprocess
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from berth.tune.ports import free_port
from handler.config import LoneTexts
from handler.precision import Precision

from ..machine import REPOSITORY, num_cores
from .archives import berth_settings, example_settings, prepare_berth, prepare_example
from .environments import ROOT, CannotRun, python_of
from .measure.mixes import real_texts
from .peer import Model, Peer, Serve, Setting
from .programs.given import Given
from .running import running

CALIBRATION_TEXTS = 300
PROGRAMS = "bench.peers.programs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A peer whose server is a file of programs/."""

    module: str
    environment: str
    """The name of its pins, requirements/NAME.txt."""
    backend: str = "torch"
    takes_lists: bool = False

    def prepare(self, model: Model) -> Serve:
        """Install, and export the model where the backend needs it; how to serve it then."""
        python = python_of(self.environment)
        family = self.backend.partition("-")[0]
        folder = model.folder if family == "torch" else export(python, family, model)
        return lambda setting: self._running(python, folder, setting)

    def _running(self, python: Path, folder: Path, setting: Setting) -> AbstractContextManager[str]:
        given = Given(
            folder=str(folder),
            backend=self.backend,
            port=free_port(),
            workers=setting.workers,
            threads=setting.threads,
            batch=setting.batch,
        )
        body = b'{"inputs": ["ready"]}' if self.takes_lists else b'{"inputs": "ready"}'
        environment = {**given.to_environment(), **QUIET}
        return running(self._command(python, given.port), environment, f"http://127.0.0.1:{given.port}/predict", body)

    def _command(self, python: Path, port: int) -> list[str]:
        module = f"{PROGRAMS}.{self.module}"
        if self.module == "bentoml_app":
            return [str(python), "-m", "bentoml", "serve", f"{module}:Encoder", "--host", "127.0.0.1", "-p", str(port)]
        return [str(python), "-m", module]


QUIET = {
    "HF_HUB_OFFLINE": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "BENTOML_DO_NOT_TRACK": "True",
    "BENTOML_HOME": str(ROOT / "bentoml"),
    "RAY_USAGE_STATS_ENABLED": "0",
    "OPENVINO_TELEMETRY": "0",
    "NO_PROXY": "*",
}


def export(python: Path, family: str, model: Model) -> Path:
    """The model's folder for ONNX Runtime or OpenVINO, once per run."""
    folder = model.folder.with_name(f"{model.name}-{family}")
    done = folder / "exported"
    if done.is_file() and done.stat().st_mtime > (model.folder / "config.json").stat().st_mtime:
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    command = [str(python), "-m", f"{PROGRAMS}.export", family, str(model.folder), str(folder)]
    texts = "\n".join(real_texts("train")[:CALIBRATION_TEXTS])
    ran = subprocess.run(command, cwd=REPOSITORY, input=texts, capture_output=True, text=True, check=False)
    if ran.returncode:
        raise CannotRun(f"the export for {family} failed: {ran.stderr.strip()[-300:]}")
    done.touch()
    return folder


def settings(*batches: int) -> list[Setting]:
    """One worker with all cores, and workers of one core, for each size of batches."""
    cores = num_cores()
    shapes = dict.fromkeys(((1, cores), (cores, 1)))
    return [Setting(workers=workers, threads=threads, batch=batch) for batch in batches for workers, threads in shapes]


def all_peers() -> list[Peer]:
    """In the order in which each round asks them."""
    return [
        _berth("berth", Precision.FP32),
        _berth("berth, fastest", Precision.FASTEST),
        _berth("berth, lone texts by OpenVINO", Precision.FP32, LoneTexts.OPENVINO),
        Peer(name="TorchServe's example", precision="fp32", settings=example_settings(), prepare=prepare_example),
        _peer("Flask and waitress", settings(1), Program(module="flask_app", environment="flask")),
        _peer("LitServe", settings(32), Program(module="litserve_app", environment="litserve")),
        _peer("BentoML", settings(32), Program(module="bentoml_app", environment="bentoml", takes_lists=True)),
        _peer("Ray Serve", settings(32), Program(module="ray_app", environment="ray")),
        *(_encoder(backend) for backend in ("torch", "onnx", "onnx-int8", "openvino", "openvino-int8")),
    ]


def _berth(name: str, precision: Precision, lone_texts: LoneTexts = LoneTexts.TORCH) -> Peer:
    prepare = prepare_berth(precision, lone_texts)
    return Peer(name=name, precision=str(precision), settings=berth_settings(), prepare=prepare)


def _encoder(backend: str) -> Peer:
    program = Program(module="fastapi_app", environment=backend.partition("-")[0], backend=backend)
    return _peer(f"FastAPI, {backend}", [settings(32)[0], settings(8)[-1]], program)


def _peer(name: str, tried: Sequence[Setting], program: Program) -> Peer:
    return Peer(
        name=name,
        precision="int8" if program.backend.endswith("int8") else "fp32",
        settings=tried,
        prepare=program.prepare,
        takes_lists=program.takes_lists,
    )
