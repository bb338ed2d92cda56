"""The peers that `berth serve` serves: berth's own archives, and TorchServe's example."""

import contextlib
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from berth.archive.write import write_archive
from berth.pack.load_checkpoint import load_checkpoint
from berth.pack.options import PackOptions, WorkerOptions
from berth.pack.pack import pack_checkpoint
from berth.tune.ports import free_ports, port_variables
from handler.config import LoneTexts, Task
from handler.precision import Precision
from tests.support.servers import CONFIG

from ..load import to_body
from ..machine import num_cores
from ..rivals.rival import Batching, plan_rival
from .environments import ROOT
from .peer import Model, Serve, Setting
from .running import running

BERTH = Path(sys.executable).with_name("berth")
DELAY_MS = 100  # of the example's batches
ARCHIVES = ROOT / "archives"


def berth_settings() -> list[Setting]:
    """As it comes."""
    return [Setting(workers=1, threads=num_cores(), batch=WorkerOptions().batch_size)]


def example_settings() -> list[Setting]:
    """Alone as TorchServe does by default, and in the batches that the example's page tries."""
    return [Setting(workers=1, threads=num_cores(), batch=batch) for batch in (1, 8)]


def prepare_berth(precision: Precision, lone_texts: LoneTexts) -> Callable[[Model], Serve]:
    """Packs a model in this precision, and serves it with this engine for texts that come alone."""

    def prepare(model: Model) -> Serve:
        options = PackOptions(
            task=Task.EMBEDDINGS,
            name=f"{model.name}-{precision}",
            output=ARCHIVES,
            force=True,
            worker=WorkerOptions(precision=precision),
        )
        archive = pack_checkpoint(str(model.folder), options).archive
        return lambda _setting: serving(archive, lone_texts=lone_texts)

    return prepare


def prepare_example(model: Model) -> Serve:
    """Writes the example's archive for a setting when it is served."""
    checkpoint = load_checkpoint(model.folder, Task.EMBEDDINGS)

    @contextlib.contextmanager
    def serve(setting: Setting) -> Iterator[str]:
        archive = ARCHIVES / f"example-{setting.batch}.mar"
        ARCHIVES.mkdir(parents=True, exist_ok=True)
        archive.unlink(missing_ok=True)
        batching = Batching(size=setting.batch, delay_ms=DELAY_MS if setting.batch > 1 else 1)
        write_archive(plan_rival(checkpoint, archive.stem, batching), archive)
        with serving(archive) as url:
            yield url

    return serve


@contextlib.contextmanager
def serving(archive: Path, berth: Path = BERTH, lone_texts: LoneTexts = LoneTexts.TORCH) -> Iterator[str]:
    """The address of the archive's predictions, by this or another `berth`, on free ports."""
    ports = free_ports()
    url = f"http://127.0.0.1:{ports['inference']}/predictions/{archive.stem}"
    with tempfile.TemporaryDirectory(prefix="peer-cache-") as cache:
        environment = {**port_variables(ports), "XDG_CACHE_HOME": cache, "BERTH_LONE_TEXTS": str(lone_texts)}
        command = [str(berth), "serve", "--config", str(CONFIG), str(archive)]
        with running(command, environment, url, to_body("ready")) as address:
            yield address
