"""The server that people write around sentence-transformers: FastAPI, `encode` in a thread, a list of floats as JSON.

`python -m bench.rivals.encode_server FOLDER DEVICE PORT`
"""

import sys
from pathlib import Path
from typing import Annotated, Any

import torch
import uvicorn
from fastapi import Body, FastAPI
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer import modules


def load_encoder(folder: Path, device: str) -> SentenceTransformer:
    """A mean-pooling encoder, in bf16 on a GPU as berth runs there."""
    dtype = torch.bfloat16 if device == "cuda" else torch.float32
    transformer = modules.Transformer(str(folder), model_kwargs={"dtype": dtype})
    pooling = modules.Pooling(transformer.get_embedding_dimension(), "mean")
    return SentenceTransformer(modules=[transformer, pooling, modules.Normalize()], device=device)


def make_app(encoder: SentenceTransformer) -> FastAPI:
    """The one endpoint, in berth's words: a text or a list of texts."""
    app = FastAPI()

    def predict(inputs: Annotated[str | list[str], Body(embed=True)]) -> Any:
        return encoder.encode(inputs, batch_size=64, convert_to_numpy=True, show_progress_bar=False).tolist()

    app.post("/predictions/encode")(predict)
    return app


if __name__ == "__main__":
    folder, device, port = sys.argv[1:]
    uvicorn.run(make_app(load_encoder(Path(folder), device)), port=int(port), log_level="warning")
