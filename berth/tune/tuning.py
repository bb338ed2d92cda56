"""What `berth tune` found, in a file beside the archive: for which archive and machine it holds."""

import json
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from .. import __version__
from ..archive.verify import content_id
from ..errors import Refused
from ..machine.machine import Machine
from ..machine.traits import Traits, read_traits
from ..memory.split import Split
from ..settings import Settings
from .search import Step

SCHEMA_VERSION = 1
SUFFIX = ".tune.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """The split that answered most requests in time."""

    archive: str
    """The id of its content."""
    machine: Traits
    berth: str
    """The version of berth that measured."""
    split: Split
    target_p99_ms: float
    peak: Step | None = None
    """The highest rate that met the target; None while it is tried."""

    def to_json(self) -> str:
        """Write it as one JSON object."""
        return json.dumps({"schema_version": SCHEMA_VERSION, **asdict(self)}, indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `to_json` wrote; ValueError, KeyError or TypeError for anything else."""
        values: dict[str, Any] = json.loads(text)
        if (found := values.pop("schema_version")) != SCHEMA_VERSION:
            raise ValueError(f"its schema_version is {found}, not {SCHEMA_VERSION}")
        machine, split, peak = values.pop("machine"), Split(**values.pop("split")), values.pop("peak")
        if not all(type(number) is int and number > 0 for number in asdict(split).values()):
            raise ValueError("its split is not of whole numbers above 0")
        traits = Traits(**{**machine, "flags": tuple(machine["flags"])})
        return cls(machine=traits, split=split, peak=peak and Step(**peak), **values)

    def __str__(self) -> str:
        measured = f": {self.peak.rate:.0f} requests/s within a p99 of {self.target_p99_ms:g} ms" if self.peak else ""
        return f"{self.split}{measured}"


def tuning_file(archive: Path) -> Path:
    """Name the file of an archive's tuning: beside a .mar or an unpacked folder, never in it."""
    place = archive.absolute()
    return place.with_name(place.name.removesuffix(".mar") + SUFFIX)


def require_writable(file: Path) -> None:
    """Refused where the file could not be written, before minutes are spent on what it should hold."""
    try:
        with tempfile.TemporaryFile(dir=file.parent):
            pass
    except OSError as error:
        raise Refused(
            f"{file} cannot be written: {error.strerror}; copy the archive to a folder that can be, and tune it there"
        ) from error


def write_tuning(file: Path, tuning: Tuning) -> None:
    """Write the file whole: whoever reads it meanwhile has the former one."""
    with tempfile.TemporaryDirectory(dir=file.parent, prefix=f".{file.name}-") as folder:
        draft = Path(folder, file.name)
        draft.write_text(tuning.to_json(), encoding="utf-8")
        draft.replace(file)


def find_tuning(
    archives: Sequence[Path], settings: Settings, machine: Machine, workers: int = 0
) -> tuple[Split | None, str | None]:
    """The split to serve these archives with, if one was tuned; and a line for people, where there is any file.

    `workers`: how many somebody asked for; 0: as the settings say.
    """
    file = next((file for file in map(tuning_file, archives) if file.is_file()), None)
    if file is None:
        return None, None
    try:
        tuning = Tuning.from_json(file.read_text("utf-8"))
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = f"it cannot be read ({error}); run `berth tune` again, or remove it"
    else:
        reason = why_unused(tuning, archives, read_traits(machine), workers or settings.default_workers)
        if not reason:
            return tuning.split, f"tuned ({file.name}): {tuning}"
    return None, f"{file} is not used: {reason}"


def why_unused(tuning: Tuning, archives: Sequence[Path], traits: Traits, workers: int) -> str:
    """Why a tuning does not hold here, "" where it does; `workers`: how many somebody asked for, or 0."""
    if len(archives) > 1:
        return "it was measured with this archive served alone"
    if tuning.archive != content_id(archives[0]):
        return "it was measured with another content of this archive; run `berth tune` again"
    if tuning.machine != traits:
        return f"it was measured on another machine ({_differences(tuning.machine, traits)}); run `berth tune` here"
    if tuning.berth != __version__:
        return f"berth {tuning.berth} measured it, and this is {__version__}; run `berth tune` again"
    if workers and workers != tuning.split.workers:
        return f"it is for {tuning.split.workers} workers, and {workers} were asked for (default_workers_per_model)"
    return ""


def _differences(then: Traits, now: Traits) -> str:
    """What differs, by name: there and here."""
    before, after = asdict(then), asdict(now)
    shown = [
        f"{name} {before[name]!r} there, {after[name]!r} here"
        for name in before
        if name != "flags" and before[name] != after[name]
    ]
    return ", ".join(shown) or "its processor has other flags"
