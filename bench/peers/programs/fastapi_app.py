"""FastAPI around sentence-transformers, with batches of what waits; uvicorn's own workers."""

import json
from typing import Annotated

import uvicorn
from fastapi import Body, FastAPI, Response

from .batcher import Batcher
from .encoder import load_encode
from .given import Given

HEALTHY_S = 120  # uvicorn ends a worker that is silent for 5 s, as one that loads a model is


def make_app() -> FastAPI:
    """One worker's app: `{"inputs": text}` -> a list of floats."""
    given = Given.read()
    batcher, app = Batcher(load_encode(given), given.batch), FastAPI()

    async def predict(inputs: Annotated[str, Body(embed=True)]) -> Response:
        return Response(json.dumps(await batcher.ask(inputs)), media_type="application/json")

    app.post("/predict")(predict)
    return app


if __name__ == "__main__":
    given = Given.read()
    app = f"{__spec__.name}:make_app"
    uvicorn.run(
        app,
        factory=True,
        port=given.port,
        workers=given.workers,
        timeout_worker_healthcheck=HEALTHY_S,
        log_level="warning",
    )
