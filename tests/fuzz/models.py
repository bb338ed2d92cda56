"""The models that are asked, and a server that has them."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from berth.pack.options import PackOptions
from berth.pack.pack import pack_checkpoint
from handler.config import Task
from tests.support.checkpoints import make_checkpoint
from tests.support.checkpoints.gliner import make_gliner
from tests.support.servers import Server, running_server


@dataclass(frozen=True, slots=True)
class Target:
    """A model, by name."""

    name: str
    task: Task
    version: str = "1.0"


SAMPLE = Target("bert", Task.EMBEDDINGS)
SMALL = (
    Target("tiny", Task.TEXT_CLASSIFICATION),
    Target("answers", Task.QUESTION_ANSWERING),
    Target("ranks", Task.TEXT_RANKING),
    Target("zero", Task.ZERO_SHOT_CLASSIFICATION),
    Target("types", Task.ZERO_SHOT_TOKEN_CLASSIFICATION),
)


@contextmanager
def serving_every_target() -> Iterator[Server]:
    """The sample and small seeded checkpoints, ready."""
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder, "store")
        archives = [pack_checkpoint(None, PackOptions(output=store)).archive]
        for target in SMALL:
            is_gliner = target.task is Task.ZERO_SHOT_TOKEN_CLASSIFICATION
            place = Path(folder, target.name)
            checkpoint = make_gliner(place) if is_gliner else make_checkpoint(place, "bert", target.task)
            archives.append(pack_checkpoint(checkpoint, PackOptions(output=store, task=target.task)).archive)
        with running_server(archives) as server:
            yield server
