"""What the user of `berth pack` may choose, and its defaults: the command line takes them from here."""

from dataclasses import dataclass, field
from pathlib import Path

from handler.config import Precision, Task

from ..archive.content import SERVER_SETTINGS


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerOptions:
    """How large the workers will be."""

    precision: Precision = Precision.AUTO
    token_budget: int | None = None
    """None: what suits the device."""
    batch_size: int = SERVER_SETTINGS["batchSize"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PackOptions:
    """What the user may choose; None leaves the choice to the checkpoint."""

    task: Task | None = None
    name: str | None = None
    version: str = "1.0"
    output: Path = Path("model_store")
    force: bool = False
    worker: WorkerOptions = field(default_factory=WorkerOptions)
