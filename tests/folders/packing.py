"""`berth pack` as people call it, in a process of its own: how it ended, what it said, what it imported."""

import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

# The command itself, and behind its words whether it needed a heavy library for them.
PROGRAM = """
import sys
from berth.cli import main
try:
    main()
finally:
    print("imported torch" if "torch" in sys.modules else "no torch", file=sys.stderr)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """How one call ended."""

    exit_code: int
    seconds: float
    said: str
    """Its words on stderr, in one line."""
    has_traceback: bool
    imported_torch: bool
    archive: Path | None


def pack(address: str, options: Sequence[str], store: Path) -> Packed:
    """Pack what lies at `address` into the folder `store`."""
    command = [sys.executable, "-c", PROGRAM, "pack", address, "--output", str(store), *options]
    began_s = time.monotonic()
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    seconds = time.monotonic() - began_s
    *said, imported = ran.stderr.strip().splitlines()
    return Packed(
        exit_code=ran.returncode,
        seconds=seconds,
        said=" ".join(" ".join(said).split()),
        has_traceback="Traceback" in ran.stderr,
        imported_torch=imported == "imported torch",
        archive=Path(ran.stdout.strip()) if ran.returncode == 0 else None,
    )
