"""Memory by workers under full batches, beside what `berth budget` predicts: the card's, or on a CPU the host's."""

import json
import subprocess
import sys
from pathlib import Path

import psutil

from handler.config import Task
from tests.support.servers import BERTH, CONFIG, Server

from ...load import LoadPool
from ..card import used_mib
from ..models import equal_texts, pack_model, serving
from ..scene import Scene
from ..served import Mix, in_lists, model_url, num_processes, plan_load

MIB = 2**20


def run(scene: Scene) -> None:
    """Load each number of workers with the largest requests, and look at what is in use then."""
    archive = pack_model(scene, Task.EMBEDDINGS)
    texts = equal_texts(64 if scene.is_small else 510, 2048)
    mix = Mix(name="memory", texts=in_lists(texts, 4 if scene.is_small else 64), fields={})
    before_mib = used_mib() if scene.device == "cuda" else 0.0
    with LoadPool(num_processes()) as pool:
        for workers in (1, 2) if scene.is_small else (1, 2, 4, 8):
            with serving(scene, [archive], workers) as server:
                pool.apply(plan_load(scene, model_url(server, archive), mix.to_bodies(), 4 * workers))
                taken_mib = used_mib() - before_mib if scene.device == "cuda" else host_mib(server)
            note_memory(scene, workers, taken_mib, predict_mib(scene, archive, workers))


def note_memory(scene: Scene, workers: int, taken_mib: float, predicted_mib: float) -> None:
    """The ratio is 1 where the prediction is exact, and above 1 where it is too low."""
    scene.note(f"memory.{workers}.taken_mib", taken_mib)
    scene.note(f"memory.{workers}.predicted_mib", predicted_mib)
    scene.note(f"memory.{workers}.taken_ratio", taken_mib / predicted_mib)


def host_mib(server: Server) -> float:
    """What the server's processes have of the host's memory, shared pages counted once."""
    launcher = psutil.Process(server.process.pid)
    family = [launcher, *launcher.children(recursive=True)]
    return sum(process.memory_full_info().pss for process in family) / MIB


def predict_mib(scene: Scene, archive: Path, workers: int) -> float:
    """What `berth budget` says, of the device's memory."""
    gpus = "1" if scene.device == "cuda" else "0"
    command = [BERTH, "budget", archive, "--workers", str(workers), "--gpus", gpus, "--json", "--config", CONFIG]
    ran = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    if not ran.stdout:
        sys.exit(f"`berth budget` gave no prediction: {ran.stderr}")
    budget = json.loads(ran.stdout)
    return float(budget["gpu_bytes" if scene.device == "cuda" else "total_bytes"]) / MIB
