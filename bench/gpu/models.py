"""The archives that the parts serve, and their servers."""

import contextlib
import random
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from bench.rivals import nothing_handler
from bench.rivals.rival import Batching, plan_handler
from berth.archive.write import write_archive
from berth.pack.options import PackOptions
from berth.pack.pack import pack_checkpoint
from berth.sources.sample import installed_folder
from handler.config import Task
from tests.support.checkpoints.large import make_bert_base
from tests.support.servers import Server, running_server

from ..texts import SPECIAL_TOKENS, mixed_texts, whole_words
from .scene import Scene

SMALL = {"num_hidden_layers": 2, "hidden_size": 64, "num_attention_heads": 2, "intermediate_size": 128}
BATCHING = Batching(size=64, delay_ms=1)  # as `berth pack` writes it


def make_model(scene: Scene, task: Task) -> Path:
    """A checkpoint: BERT-base with seeded weights, or a small one."""
    folder = scene.folder / f"checkpoint-{task}"
    return make_bert_base(folder, task, **(SMALL if scene.is_small else {}))


def pack_model(scene: Scene, task: Task) -> Path:
    """An archive of it, named as the task."""
    options = PackOptions(task=task, name=str(task), output=scene.folder / "store")
    return pack_checkpoint(make_model(scene, task), options).archive


def pack_nothing(scene: Scene) -> Path:
    """An archive whose handler does nothing."""
    archive = scene.folder / "nothing.mar"
    write_archive(plan_handler(Path(nothing_handler.__file__), archive.stem, BATCHING, {}), archive)
    return archive


@contextlib.contextmanager
def serving(
    scene: Scene, archives: Sequence[Path], workers: int = 0, env: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """A ready `berth serve` on the scene's device; workers 0: as many as it chooses."""
    variables = {"BERTH_DEVICE": scene.device, "TS_DEFAULT_WORKERS_PER_MODEL": str(workers), **(env or {})}
    with running_server(archives, env=variables) as server:
        yield server


def words() -> list[str]:
    """Words of one token each, of the sample's vocabulary."""
    return whole_words((installed_folder() / "vocab.txt").read_text("utf-8").split())


def short_texts(count: int) -> list[str]:
    """Lognormal lengths with a mean of about 24 tokens; the same each time."""
    return mixed_texts(words(), count)


def equal_texts(num_tokens: int, count: int) -> list[str]:
    """Texts of exactly so many tokens, [CLS] and [SEP] included; the same each time."""
    chooser, chosen = random.Random(1), words()
    return [" ".join(chooser.choices(chosen, k=num_tokens - SPECIAL_TOKENS)) for _ in range(count)]
