"""The rival's archive: the same checkpoint with padded_handler.py beside it, served by the same launcher."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from berth.archive.content import CHECKPOINT, MANIFEST, MODEL_CONFIG, SERVER_SETTINGS, ArchivePlan, Member
from berth.pack.checkpoint import Checkpoint

HANDLER = Path(__file__).with_name("padded_handler.py")


@dataclass(frozen=True, slots=True, kw_only=True)
class Batching:
    """How TorchServe collects batches for the rival."""

    size: int
    delay_ms: int


def plan_rival(checkpoint: Checkpoint, name: str, batching: Batching) -> ArchivePlan:
    """The members of the rival's archive NAME.mar, without known answers: its handler checks none."""
    files = {f"{CHECKPOINT}/{file}": checkpoint.root / file for file in checkpoint.files}
    return plan_handler(HANDLER, name, batching, files)


def plan_handler(handler: Path, name: str, batching: Batching, files: Mapping[str, Path]) -> ArchivePlan:
    """The members of an archive NAME.mar of a handler of one file, and of `files` beside it."""
    sources: dict[str, Path | bytes] = {
        **files,
        handler.name: handler,
        MANIFEST: _manifest(name, handler.name),
        MODEL_CONFIG: _model_config(batching),
    }
    return ArchivePlan(members=tuple(Member(name=member, source=sources[member]) for member in sorted(sources)))


def _manifest(name: str, handler: str) -> bytes:
    model = {"modelName": name, "modelVersion": "1.0", "handler": handler, "configFile": MODEL_CONFIG}
    return json.dumps({"runtime": "python", "model": model, "archiverVersion": "0.12.0"}).encode()


def _model_config(batching: Batching) -> bytes:
    """A model-config.yaml with berth's own time limits and the rival's batches."""
    import yaml  # noqa: PLC0415

    settings = {**SERVER_SETTINGS, "batchSize": batching.size, "maxBatchDelay": batching.delay_ms}
    return yaml.safe_dump(settings).encode()
