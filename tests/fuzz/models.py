"""The models that are asked, and a server that has them."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from berth.pack.options import PackOptions
from berth.pack.pack import pack_checkpoint
from handler.config import Task
from handler.vectors.settings import Kind
from tests.support.checkpoints import make_checkpoint
from tests.support.checkpoints.bge_m3 import make_bge_m3
from tests.support.checkpoints.gliclass import make_gliclass
from tests.support.checkpoints.gliner import make_gliner
from tests.support.checkpoints.sentence_transformers import make_sparse_encoder
from tests.support.servers import Server, running_server


@dataclass(frozen=True, slots=True)
class Target:
    """A model, by name."""

    name: str
    task: Task
    version: str = "1.0"
    vectors: tuple[Kind, ...] = (Kind.DENSE,)
    """Which an embedding model makes; the first is what a request gets that does not say."""

    has_claims: bool = True
    """Of zero-shot-classification, whether it claims something of each label; a GLiClass model does not."""

    @property
    def has_other_vectors(self) -> bool:
        """Whether it makes any but one dense vector."""
        return self.vectors != (Kind.DENSE,)


SAMPLE = Target("bert", Task.EMBEDDINGS)
SMALL = (
    Target("tiny", Task.TEXT_CLASSIFICATION),
    Target("answers", Task.QUESTION_ANSWERING),
    Target("ranks", Task.TEXT_RANKING),
    Target("zero", Task.ZERO_SHOT_CLASSIFICATION),
    Target("types", Task.ZERO_SHOT_TOKEN_CLASSIFICATION),
    Target("labels", Task.ZERO_SHOT_CLASSIFICATION, has_claims=False),
)
THREE = Target("three", Task.EMBEDDINGS, vectors=tuple(Kind))
WORDS = Target("words", Task.EMBEDDINGS, vectors=(Kind.SPARSE,))
EVERY = (SAMPLE, *SMALL, THREE, WORDS)


@contextmanager
def serving_every_target() -> Iterator[Server]:
    """EVERY: the sample and small seeded checkpoints, ready."""
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder, "store")
        archives = [pack_checkpoint(None, PackOptions(output=store)).archive]
        for target in SMALL:
            checkpoint = _make_small(Path(folder, target.name), target)
            archives.append(pack_checkpoint(checkpoint, PackOptions(output=store, task=target.task)).archive)
        for checkpoint in (make_bge_m3(Path(folder, THREE.name)), make_sparse_encoder(Path(folder, WORDS.name))):
            archives.append(pack_checkpoint(checkpoint, PackOptions(output=store)).archive)
        with running_server(archives) as server:
            yield server


def _make_small(place: Path, target: Target) -> Path:
    """The folder of a small model."""
    if target.task is Task.ZERO_SHOT_TOKEN_CLASSIFICATION:
        return make_gliner(place)
    return make_checkpoint(place, "bert", target.task) if target.has_claims else make_gliclass(place, "bert")
