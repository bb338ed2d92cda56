"""Flask and waitress around transformers, as most tutorials have it: one text at a time in each of its threads."""

from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own convention
import waitress
from flask import Flask, Response, jsonify, request
from transformers import AutoModel, AutoTokenizer

from .given import Given


def make_app(folder: Path) -> Flask:
    """The app: `{"inputs": text}` -> a list of floats."""
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    model: Any = AutoModel.from_pretrained(folder, local_files_only=True).eval()
    app = Flask(__name__)

    @app.post("/predict")
    def predict() -> Response:
        tokens = tokenizer(request.get_json()["inputs"], truncation=True, return_tensors="pt")
        with torch.inference_mode():
            states = model(**tokens).last_hidden_state  # [1, T, H]
        return jsonify(F.normalize(states.mean(1), dim=1)[0].tolist())

    return app


if __name__ == "__main__":
    given = Given.read()
    torch.set_num_threads(given.threads)
    waitress.serve(make_app(given.path), host="127.0.0.1", port=given.port, threads=given.workers)
