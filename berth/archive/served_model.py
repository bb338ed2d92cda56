"""The model in an unpacked archive, and the address where it is asked."""

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

import yaml

from ..endpoint import Endpoint
from ..errors import UsageError
from .content import KNOWN_ANSWERS, MANIFEST, MODEL_CONFIG, SUMS
from .form import read_form


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedModel:
    """A verified folder that TorchServe can load."""

    name: str
    version: str
    folder: Path

    @property
    def path(self) -> str:
        """How addresses name it, by its version: bert/1.0."""
        return f"{self.name}/{self.version}"

    def predictions_url(self, inference: Endpoint) -> str:
        """The address where this version is asked."""
        return f"{inference.url}/predictions/{self.path}"

    def check_url(self, inference: Endpoint) -> str:
        """The address of its deep check, for a GET: that of form 1 is a request without a body."""
        url = self.predictions_url(inference)
        return url if read_form(self.folder) == 1 else f"{url}/check"

    @property
    def content_id(self) -> str:
        """The sha256 (hex) of its digest list, as `berth inspect` shows it; "" where there is none."""
        sums = self.folder / SUMS
        return hashlib.sha256(sums.read_bytes()).hexdigest() if sums.is_file() else ""

    @property
    def task(self) -> str:
        """What the model does, by its settings; "" where they do not say."""
        settings = yaml.safe_load((self.folder / MODEL_CONFIG).read_text("utf-8"))
        return str(settings.get("handler", {}).get("task", ""))

    def known_request(self) -> str:
        """A request of this model's own task, as JSON: the first that it was proven with."""
        known = self.folder / KNOWN_ANSWERS
        values = json.loads(known.read_text(encoding="utf-8")) if known.is_file() else {"inputs": ["hello world"]}
        parameters = {"parameters": values["parameters"]} if values.get("parameters") else {}
        return json.dumps({"inputs": values["inputs"][0], **parameters}, ensure_ascii=False)


def read_model(folder: Path) -> ServedModel:
    """The model in an unpacked archive, by its manifest's name and version."""
    _require_importable(folder)
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["model"]
    return ServedModel(name=manifest["modelName"], version=manifest["modelVersion"], folder=folder)


def _require_importable(folder: Path) -> None:
    """UsageError where a worker would import another handler: Java puts the folder into its PYTHONPATH, as UTF-8."""
    try:
        is_importable = ":" not in os.fsencode(folder.resolve()).decode("utf-8")
    except UnicodeDecodeError:
        is_importable = False
    if not is_importable:
        raise UsageError(
            f"{folder.resolve()}: workers find no handler in a folder whose path has a colon or is not UTF-8: rename "
            "it, or set XDG_CACHE_HOME to another folder if it is berth's cache"
        )
