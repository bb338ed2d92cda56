"""The models that are asked, and a server that has them."""

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from berth.pack.options import PackOptions
from berth.pack.pack import pack_checkpoint
from handler.config import Task
from handler.vectors.settings import Kind
from tests.support.checkpoints import make_checkpoint
from tests.support.checkpoints.bge_m3 import make_bge_m3
from tests.support.checkpoints.gliclass import make_gliclass
from tests.support.checkpoints.gliner import make_gliner
from tests.support.checkpoints.heads import make_sibling
from tests.support.checkpoints.late import make_pylate
from tests.support.checkpoints.routes import make_routes
from tests.support.checkpoints.sentence_transformers import make_sparse_encoder
from tests.support.checkpoints.static import make_static
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
    prompts: tuple[str, ...] = ()
    """Names that a request may choose one of."""
    heads: tuple[str, ...] = ()
    """Further classifiers on its encoder, of labels of their own."""

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
    Target("maxsim", Task.TEXT_RANKING),
    Target("heads", Task.TEXT_CLASSIFICATION, heads=("topic", "spam")),
)
SIDES = ("query", "document")
LABELS = ("sport", "politics", "weather", "money")
"""Of each further head."""
THREE = Target("three", Task.EMBEDDINGS, vectors=tuple(Kind))
OTHERS = (
    THREE,
    Target("words", Task.EMBEDDINGS, vectors=(Kind.SPARSE,)),
    Target("routes", Task.EMBEDDINGS, vectors=(Kind.SPARSE,), prompts=SIDES),
    Target("colbert", Task.EMBEDDINGS, vectors=(Kind.MULTI_VECTOR,), prompts=SIDES),
    Target("table", Task.EMBEDDINGS),
)
EVERY = (SAMPLE, *SMALL, *OTHERS)
MAKERS: Mapping[str, Callable[[Path], Path]] = {
    "types": make_gliner,
    "labels": partial(make_gliclass, architecture="bert"),
    "maxsim": make_pylate,
    "three": make_bge_m3,
    "words": make_sparse_encoder,
    "routes": make_routes,
    "colbert": make_pylate,
    "table": partial(make_static, normalize=True),
}
"""How a model's folder is made that is no BERT with the head of its task."""


@contextmanager
def serving_every_target() -> Iterator[Server]:
    """EVERY: the sample and small seeded checkpoints, ready."""
    with tempfile.TemporaryDirectory() as folder:
        store = PackOptions(output=Path(folder, "store"))
        archives = [pack_checkpoint(None, store).archive]
        archives += [_pack(Path(folder, target.name), target, store) for target in (*SMALL, *OTHERS)]
        with running_server(archives) as server:
            yield server


def _pack(place: Path, target: Target, store: PackOptions) -> Path:
    """The archive of a small model, made in `place`."""
    if target.name in MAKERS:
        MAKERS[target.name](place)
    else:
        make_checkpoint(place, "bert", target.task)
    task = None if target.task is Task.EMBEDDINGS else target.task
    heads = tuple(
        (name, str(make_sibling(place, place.with_name(name), LABELS, seed=seed, task=target.task)))
        for seed, name in enumerate(target.heads)
    )
    return pack_checkpoint(place, replace(store, task=task, heads=heads)).archive
