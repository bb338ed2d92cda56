"""Ray Serve around sentence-transformers, with dynamic batches (docs.ray.io, serve/advanced-guides/dyn-req-batch)."""

import signal
import sys
import tempfile

import ray
from ray import serve
from starlette.requests import Request

from .encoder import load_encode
from .given import Given

OBJECT_STORE_BYTES = 200 << 20
WAIT_S = 0.01  # for a batch to become full
GIVEN = Given.read()


@serve.deployment(num_replicas=GIVEN.workers, max_ongoing_requests=1000)
class Encoder:
    """`{"inputs": text}` -> a list of floats."""

    def __init__(self) -> None:
        self._encode = load_encode(GIVEN)

    @serve.batch(max_batch_size=GIVEN.batch, batch_wait_timeout_s=WAIT_S)
    async def embed(self, texts: list[str]) -> list[list[float]]:
        """The texts' vectors."""
        return self._encode(texts)

    async def __call__(self, request: Request) -> list[float]:
        """Answer one request."""
        vector: list[float] = await self.embed((await request.json())["inputs"])
        return vector


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True) as folder:
        cores = GIVEN.workers * GIVEN.threads
        ray.init(num_cpus=cores, include_dashboard=False, object_store_memory=OBJECT_STORE_BYTES, _temp_dir=folder)
        try:
            serve.start(http_options={"host": "127.0.0.1", "port": GIVEN.port})
            serve.run(Encoder.bind(), route_prefix="/predict")  # type: ignore[attr-defined]  # by the decorator
            signal.pause()
        finally:
            ray.shutdown()
