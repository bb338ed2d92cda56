"""The archive of a handler that does nothing."""

from pathlib import Path

from berth.archive.write import write_archive

from ..rivals import nothing_handler
from ..rivals.rival import Batching, plan_handler

BATCHING = Batching(size=64, delay_ms=1)


def write_nothing(archive: Path) -> Path:
    """Write it, with berth's own batch size."""
    write_archive(plan_handler(Path(nothing_handler.__file__), archive.stem, BATCHING, {}), archive)
    return archive
