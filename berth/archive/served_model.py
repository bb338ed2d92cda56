"""The model in an unpacked archive, and the address where it is asked."""

import json
from dataclasses import dataclass
from pathlib import Path

from ..endpoint import Endpoint
from ..errors import UsageError
from .content import MANIFEST


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedModel:
    """A verified folder that TorchServe can load."""

    name: str
    version: str
    folder: Path

    def predictions_url(self, inference: Endpoint) -> str:
        """The address where the model is asked; a request without a body asks for its known text."""
        return f"{inference.url}/predictions/{self.name}"


def read_model(folder: Path) -> ServedModel:
    """The model in an unpacked archive, by its manifest's name and version."""
    if "," in str(folder):
        raise UsageError(f"{folder}: TorchServe separates models by commas; use a path without one")
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["model"]
    return ServedModel(name=manifest["modelName"], version=manifest["modelVersion"], folder=folder)
