"""BentoML around sentence-transformers, with adaptive batching (docs.bentoml.com, get-started/adaptive-batching)."""

import bentoml

from .encoder import load_encode
from .given import Given

GIVEN = Given.read()
PATIENCE_MS = 60_000  # BentoML refuses what would wait longer


@bentoml.service(workers=GIVEN.workers, traffic={"timeout": 60})
class Encoder:
    """`{"inputs": [text]}` -> a list of lists of floats."""

    def __init__(self) -> None:
        self._encode = load_encode(GIVEN)

    @bentoml.api(batchable=True, max_batch_size=GIVEN.batch, max_latency_ms=PATIENCE_MS)
    def predict(self, inputs: list[str]) -> list[list[float]]:
        return self._encode(inputs)
