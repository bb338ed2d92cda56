"""The parts: each a module with `run(scene)`, which notes its figures and stands on its own."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Part:
    """A question, and how long its answer may take: less than 10 minutes."""

    title: str
    limit_s: float


PARTS: Mapping[str, Part] = {
    "answers": Part("tests/gpu: the known answers of every cell", 570),
    "forward": Part("forward passes without a server", 300),
    "starts": Part("from `berth serve` to ready, and what the fork server holds open", 240),
    "classification": Part("classification through HTTP, beside a handler that does nothing", 420),
    "embeddings": Part("embeddings through HTTP as JSON and as base64, beside a handler that does nothing", 570),
    "memory": Part("memory by workers, beside what `berth budget` predicts", 420),
    "faults": Part("a full card, and an error after which the device is lost", 300),
    "workers": Part("how many workers one card wants, with CUDA MPS and without", 570),
    "peers": Part("sentence-transformers, a FastAPI server around it, the way of TorchServe's own example", 420),
}
