"""The same checkpoint served and run by others, beside berth, in one run: texts per second of about 25 tokens."""

import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from berth.archive.write import write_archive
from berth.pack.load_checkpoint import load_checkpoint
from berth.tune.ports import free_port
from berth.wait import wait_until
from handler.config import Task

from ...load import LoadPool
from ...rivals.rival import plan_rival
from ...server import end_process
from ..models import BATCHING, pack_model, serving, short_texts
from ..scene import Scene
from ..served import Mix, mean_rate, mixes, model_url, num_processes

CLIENTS = 64
LOAD_S = 120.0


def run(scene: Scene) -> None:
    """berth first, then each peer alone."""
    archive = pack_model(scene, Task.EMBEDDINGS)
    folder = scene.folder / f"checkpoint-{Task.EMBEDDINGS}"
    one, lists, _ = mixes(scene, "json", {})
    with LoadPool(num_processes()) as pool:
        with serving(scene, [archive]) as server:
            note_rates(scene, pool, "berth", model_url(server, archive), [one, lists])
        with encode_server(folder, scene.device) as url:
            note_rates(scene, pool, "fastapi", url, [one, lists])
        rival = scene.folder / "example.mar"
        write_archive(plan_rival(load_checkpoint(folder, None), rival.stem, BATCHING), rival)
        with serving(scene, [rival], workers=1) as server:
            note_rates(scene, pool, "example", model_url(server, rival), [one])
    measure_encode(scene, folder)


def note_rates(scene: Scene, pool: LoadPool, who: str, url: str, loads: list[Mix]) -> None:
    """Texts per second of each load."""
    clients = 4 if scene.is_small else CLIENTS
    for mix in loads:
        scene.note(f"peers.{who}.{mix.name}.texts_per_s", mean_rate(scene, pool, url, mix, clients))


def measure_encode(scene: Scene, folder: Path) -> None:
    """sentence-transformers' own loop, in this process, without a server."""
    from ...rivals.encode_server import load_encoder  # noqa: PLC0415 - torch, when no server is measured any more

    encoder = load_encoder(folder, scene.device)
    texts = short_texts(64 if scene.is_small else 8192)
    for size in (32, 256):
        encoder.encode(texts[: 2 * size], batch_size=size, show_progress_bar=False)
        began_s = time.perf_counter()
        encoder.encode(texts, batch_size=size, show_progress_bar=False)
        scene.note(f"peers.encode.{size}.texts_per_s", len(texts) / (time.perf_counter() - began_s))


@contextlib.contextmanager
def encode_server(folder: Path, device: str) -> Iterator[str]:
    """The address of a FastAPI server around `encode`, once it listens."""
    port = free_port()
    command = [sys.executable, "-m", "bench.rivals.encode_server", str(folder), device, str(port)]
    process = subprocess.Popen(command, stdout=sys.stderr)
    try:
        wait_until(lambda: listens(port) or process.poll() is not None, LOAD_S)
        yield f"http://127.0.0.1:{port}/predictions/encode"
    finally:
        end_process(process)


def listens(port: int) -> bool:
    """Whether somebody takes connections there."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False
