"""The model that an unpacked archive holds, and where it is asked."""

import json
from dataclasses import dataclass
from pathlib import Path

from ..endpoint import Endpoint
from ..errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedModel:
    """A verified folder that TorchServe can load."""

    name: str
    version: str
    folder: Path

    def predictions_url(self, inference: Endpoint) -> str:
        """Where it is asked; without a body, for its known text."""
        return f"{inference.url}/predictions/{self.name}"


def read_model(folder: Path) -> ServedModel:
    """An unpacked archive's name and version, from its manifest."""
    if "," in str(folder):
        raise UsageError(f"{folder}: TorchServe separates models by commas; use a path without one")
    manifest = json.loads((folder / "MAR-INF" / "MANIFEST.json").read_text(encoding="utf-8"))["model"]
    return ServedModel(name=manifest["modelName"], version=manifest["modelVersion"], folder=folder)
