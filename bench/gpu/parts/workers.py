"""How many workers does one card want, and do they want NVIDIA's MPS, which lets their kernels run at once?"""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from handler.config import Task

from ...load import LoadPool
from ..models import pack_model, serving
from ..scene import Scene
from ..served import mixes, model_url, note_load, num_processes, plan_load

MPS = "nvidia-cuda-mps-control"
ASK = "import torch; torch.zeros(1, device='cuda')"
START_S = 120.0  # the first import of torch, and of the first client the daemon makes a server


class NoMps(Exception):
    """CUDA MPS cannot be had here; its words say why."""


def run(scene: Scene) -> None:
    """The same loads for each number of workers; then again with MPS."""
    archive = pack_model(scene, Task.TEXT_CLASSIFICATION)
    counts = (1, 2) if scene.is_small else (1, 2, 4, 8)
    for workers in counts:
        measure(scene, archive, workers, "no_mps", {})
    try:
        with mps(scene) as variables:
            for workers in counts[1:]:
                measure(scene, archive, workers, "mps", variables)
    except NoMps as reason:
        scene.skip(f"CUDA MPS: {reason}")


def measure(scene: Scene, archive: Path, workers: int, kind: str, variables: dict[str, str]) -> None:
    """A text alone from one client and from many, and lists."""
    one, lists, _ = mixes(scene, f"workers.{kind}.{workers}", {})
    loads = [(one, 1), (one, 4), (lists, 4)] if scene.is_small else [(one, 1), (one, 32), (one, 512), (lists, 64)]
    with serving(scene, [archive], workers, variables) as server, LoadPool(num_processes()) as pool:
        for mix, clients in loads:
            result = pool.apply(plan_load(scene, model_url(server, archive), mix.to_bodies(), clients))
            note_load(scene, f"{mix.name}.{clients}.", result, mix)


@contextlib.contextmanager
def mps(scene: Scene) -> Iterator[dict[str, str]]:
    """An MPS daemon of our own, reached by these variables only: the card's settings stay as they are.

    NoMps where there is none, where it does not start, or where the first client that it has cannot use the GPU.
    """
    if scene.device == "cpu":
        raise NoMps("there is no GPU")
    if shutil.which(MPS) is None:
        raise NoMps(f"{MPS} is not on PATH")
    folder = scene.folder / "mps"
    folder.mkdir()
    variables = {"CUDA_MPS_PIPE_DIRECTORY": str(folder), "CUDA_MPS_LOG_DIRECTORY": str(folder)}
    environment = {**os.environ, **variables}
    _require("its daemon does not start", [MPS, "-d"], environment, folder)
    try:
        _require("it lets no client use the GPU", [sys.executable, "-c", ASK], environment, folder)
        yield variables
    finally:
        subprocess.run([MPS], input=b"quit\n", env=environment, check=False, timeout=60)


def _require(otherwise: str, command: Sequence[str], environment: Mapping[str, str], folder: Path) -> None:
    """Run a command; NoMps with its last line where it fails, or takes over START_S."""
    said = folder / "said"
    with said.open("wb") as file:  # no pipe: a daemon would keep it open
        try:
            subprocess.run(command, env=environment, stdout=file, stderr=file, check=True, timeout=START_S)
        except subprocess.SubprocessError as error:
            lines = said.read_text("utf-8", "replace").split("\n")
            raise NoMps(f"{otherwise}: {next(filter(str.strip, reversed(lines)), error)}") from error
