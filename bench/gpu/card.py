"""The card, as nvidia-smi tells of it: asking torch would take memory of the card that is measured."""

import shutil
import subprocess
from dataclasses import dataclass

TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """The first GPU."""

    name: str
    driver: str
    memory_mib: float


def find_card() -> Card | None:
    """The first GPU; None without one."""
    if shutil.which("nvidia-smi") is None:
        return None
    answer = _ask("name,driver_version,memory.total")
    if answer is None:
        return None
    name, driver, memory = answer
    return Card(name=name, driver=driver, memory_mib=float(memory))


def used_mib() -> float:
    """Memory of the first GPU that is in use, by anybody; RuntimeError where nvidia-smi does not say it."""
    answer = _ask("memory.used")
    if answer is None:
        raise RuntimeError("nvidia-smi does not tell how much of the GPU's memory is in use: run it by hand")
    return float(answer[0])


def _ask(fields: str) -> list[str] | None:
    command = ["nvidia-smi", f"--query-gpu={fields}", "--format=csv,noheader,nounits"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=TIMEOUT_S)
    lines = ran.stdout.splitlines()
    return [value.strip() for value in lines[0].split(",")] if ran.returncode == 0 and lines else None
