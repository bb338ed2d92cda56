"""Runs one part in a process of its own: `python -m bench.gpu.part NAME DEVICE NOTES [small]`."""

import importlib
import signal
import sys
import tempfile
from pathlib import Path

from .scene import Scene


def main() -> None:
    """Run the part; a SIGTERM ends it with all that it has started."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    name, device, notes, *small = sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix="bg-", ignore_cleanup_errors=True) as folder:
        scene = Scene(device=device, is_small=bool(small), folder=Path(folder), notes=Path(notes))
        importlib.import_module(f"bench.gpu.parts.{name}").run(scene)


if __name__ == "__main__":
    main()
