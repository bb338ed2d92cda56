"""The card, as nvidia-smi tells of it: asking torch would take memory of the card that is measured."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from berth.machine.nvidia_smi import VISIBLE, read_table, visible_rows

CARD = "--query-gpu=uuid,index,name,driver_version,memory.total"
USED = "--query-gpu=uuid,memory.used"


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """The first GPU that CUDA_VISIBLE_DEVICES leaves: the one that is measured."""

    uuid: str
    index: int
    """From 0, as nvidia-smi counts."""
    num_gpus: int
    """That the machine has, hidden ones included."""
    name: str
    driver: str
    memory_mib: float

    @property
    def place(self) -> str:
        """Which of the machine's GPUs it is."""
        return f"GPU {self.index} of {self.num_gpus}, counted from 0"

    @property
    def variables(self) -> dict[str, str]:
        """What leaves a process this GPU alone: a server would spread its workers over all."""
        return {VISIBLE: self.uuid}


def find_card(environ: Mapping[str, str]) -> Card | None:
    """The card to measure; None without one, or without nvidia-smi. ValueError where it would be a part of one."""
    table = read_table(environ, CARD) or ""
    rows = visible_rows(table, environ)
    if not rows:
        return None
    uuid, index, name, driver, memory = rows[0]
    return Card(
        uuid=uuid,
        index=int(index),
        num_gpus=len(table.splitlines()),
        name=name,
        driver=driver,
        memory_mib=float(memory),
    )


def used_mib() -> float:
    """Memory of the card that is in use, by anybody; RuntimeError where nvidia-smi does not say it."""
    rows = visible_rows(read_table(os.environ, USED) or "", os.environ)
    if not rows:
        raise RuntimeError("nvidia-smi does not tell how much of the GPU's memory is in use: run it by hand")
    return float(rows[0][1])
