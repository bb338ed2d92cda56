"""Seconds from `berth serve` to ready, and the GPU files that the fork server holds open: none, or its forks fail."""

import time
from pathlib import Path

from handler.config import Task
from tests.support.servers import Server

from ...stats import Spread
from ..models import pack_model, serving
from ..scene import Scene

GPU_FILES = "/dev/nvidia"


def run(scene: Scene) -> None:
    """Start a few times; the first fills caches and is noted apart."""
    archive = pack_model(scene, Task.TEXT_CLASSIFICATION)
    times_s = []
    for _ in range(2 if scene.is_small else 4):
        began_s = time.perf_counter()
        with serving(scene, [archive], workers=1) as server:
            times_s.append(time.perf_counter() - began_s)
            _look_at_forks(scene, server)
    scene.note("starts.first_ready_s", times_s[0])
    spread = Spread.of(times_s[1:])
    scene.note("starts.ready_s", spread.median)
    scene.note("starts.slowest_ready_s", spread.high)


def _look_at_forks(scene: Scene, server: Server) -> None:
    try:
        pid = server.forks.pid
    except ValueError:  # there is none
        scene.note("starts.forked", 0)
        return
    scene.note("starts.forked", 1)
    scene.note("starts.open_gpu_files", len(open_gpu_files(pid)))


def open_gpu_files(pid: int) -> list[str]:
    """The GPU's devices that a process holds open or has mapped."""
    held = [str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir() if link.is_symlink()]
    mapped = [line.split()[-1] for line in Path(f"/proc/{pid}/maps").read_text("utf-8").splitlines()]
    return [name for name in (*held, *mapped) if name.startswith(GPU_FILES)]
