"""How many workers does one card want, and do they want NVIDIA's MPS, which lets their kernels run at once?"""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from handler.config import Task

from ...load import LoadPool
from ..models import pack_model, serving
from ..scene import Scene
from ..served import mixes, model_url, note_load, num_processes, plan_load

MPS = "nvidia-cuda-mps-control"


def run(scene: Scene) -> None:
    """The same loads for each number of workers; then again with MPS."""
    archive = pack_model(scene, Task.TEXT_CLASSIFICATION)
    counts = (1, 2) if scene.is_small else (1, 2, 4, 8)
    for workers in counts:
        measure(scene, archive, workers, "no_mps", {})
    if scene.device == "cpu" or shutil.which(MPS) is None:
        scene.skip(f"CUDA MPS: {MPS} is not on PATH" if scene.device == "cuda" else "CUDA MPS: there is no GPU")
        return
    with mps(scene.folder / "mps") as variables:
        for workers in counts[1:]:
            measure(scene, archive, workers, "mps", variables)


def measure(scene: Scene, archive: Path, workers: int, kind: str, variables: dict[str, str]) -> None:
    """A text alone from one client and from many, and lists."""
    one, lists, _ = mixes(scene, f"workers.{kind}.{workers}", {})
    loads = [(one, 1), (one, 4), (lists, 4)] if scene.is_small else [(one, 1), (one, 32), (one, 512), (lists, 64)]
    with serving(scene, [archive], workers, variables) as server, LoadPool(num_processes()) as pool:
        for mix, clients in loads:
            result = pool.apply(plan_load(scene, model_url(server, archive), mix.to_bodies(), clients))
            note_load(scene, f"{mix.name}.{clients}.", result, mix)


@contextlib.contextmanager
def mps(folder: Path) -> Iterator[dict[str, str]]:
    """An MPS daemon of our own, reached by these variables only: the card's settings stay as they are."""
    folder.mkdir()
    variables = {"CUDA_MPS_PIPE_DIRECTORY": str(folder), "CUDA_MPS_LOG_DIRECTORY": str(folder)}
    environment = {**os.environ, **variables}
    subprocess.run([MPS, "-d"], env=environment, check=True, timeout=30)
    try:
        yield variables
    finally:
        subprocess.run([MPS], input=b"quit\n", env=environment, check=False, timeout=60)
