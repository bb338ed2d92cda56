"""What the user of `berth pack` may choose, and its defaults: the command line takes them from here."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from handler.config import Task
from handler.precision import Precision

from ..archive.content import SERVER_SETTINGS


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerOptions:
    """How large the workers will be."""

    precision: Precision = Precision.AUTO
    token_budget: int | None = None
    """None: what suits the device."""
    batch_size: int = SERVER_SETTINGS["batchSize"]
    cpu_precisions: Mapping[str, float] = field(default_factory=dict)
    """What packing has proven of those that `fastest` may choose (handler.config)."""
    int8_kept: tuple[int, ...] = ()
    cpu_refused: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class PackOptions:
    """What the user may choose; None leaves the choice to the checkpoint."""

    task: Task | None = None
    name: str | None = None
    version: str = "1.0"
    output: Path = Path("model_store")
    force: bool = False
    heads: tuple[tuple[str, str], ...] = ()
    """Names and addresses of further heads on the checkpoint's encoder."""
    golden_file: Path | None = None
    """The user's own inputs for proving faster precisions, one a line."""
    signing_key: Path | None = None
    """The private key that signs what the archive holds."""
    worker: WorkerOptions = field(default_factory=WorkerOptions)
