"""Embeddings through HTTP: 768 numbers for each text, as JSON and as base64."""

from handler.config import Task

from .. import served
from ..scene import Scene


def run(scene: Scene) -> None:
    """The same vectors in both forms."""
    served.run(scene, Task.EMBEDDINGS, {"json": {}, "base64": {"parameters": {"encoding_format": "base64"}}})
