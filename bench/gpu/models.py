"""The archives that the parts serve, and their servers."""

import contextlib
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from bench.rivals import nothing_handler
from bench.rivals.rival import Batching, plan_handler
from berth.archive.write import write_archive
from berth.pack.options import PackOptions
from berth.pack.pack import pack_checkpoint
from berth.sources.sample import installed_folder
from handler.config import Task
from handler.sizes import MESSAGE_BYTES
from tests.support.checkpoints.large import make_bert_base
from tests.support.servers import Server, running_server

from ..texts import SPECIAL_TOKENS, mixed_texts, whole_words
from .scene import Scene

SMALL = {"num_hidden_layers": 2, "hidden_size": 64, "num_attention_heads": 2, "intermediate_size": 128}
BATCHING = Batching(size=64, delay_ms=1)  # as `berth pack` writes it
NOTHING_BATCHES = (BATCHING.size, 4, 1)


def make_model(scene: Scene, task: Task) -> Path:
    """A checkpoint: BERT-base with seeded weights, or a small one."""
    folder = scene.folder / f"checkpoint-{task}"
    return make_bert_base(folder, task, **(SMALL if scene.is_small else {}))


def pack_model(scene: Scene, task: Task) -> Path:
    """An archive of it, named as the task."""
    options = PackOptions(task=task, name=str(task), output=scene.folder / "store")
    return pack_checkpoint(make_model(scene, task), options).archive


def pack_nothing(scene: Scene, batch_size: int) -> Path:
    """An archive whose handler does nothing, with so many requests at once."""
    archive = scene.folder / f"nothing-{batch_size}.mar"
    batching = replace(BATCHING, size=batch_size)
    write_archive(plan_handler(Path(nothing_handler.__file__), archive.stem, batching, {}), archive)
    return archive


def nothing_name(answer_bytes: int) -> str:
    """The one whose message of a full batch of such answers is no larger than berth's: a larger one is read slowly."""
    fitting = (size for size in NOTHING_BATCHES if size * answer_bytes <= MESSAGE_BYTES)
    return f"nothing-{next(fitting, NOTHING_BATCHES[-1])}"


@contextlib.contextmanager
def serving_nothing(scene: Scene, workers: int, queue_length: int) -> Iterator[Server]:
    """A server of its own: beside a model it would count as a second one, and halve that one's workers and threads."""
    archives = [pack_nothing(scene, size) for size in NOTHING_BATCHES]
    with serving(scene, archives, workers, {"BERTH_DEVICE": "cpu", "TS_JOB_QUEUE_SIZE": str(queue_length)}) as server:
        yield server


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
