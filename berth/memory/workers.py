"""How many workers each model starts with where config.properties leaves it open, before memory has its say. Pure.

On a GPU several workers share a card: one tokenises and writes answers while another's batch is computed. A worker's
own work is bound to one core, and java needs one beside them.
"""

from dataclasses import dataclass

from ..machine.machine import Machine

CORES_FOR_JAVA = 1
NOT_MEASURED = "not measured"


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """How many workers fill a GPU."""

    word: str
    """A word of the driver's name for it."""
    workers: int
    basis: str
    """Where the number comes from: a measurement, or that there is none."""


# Requests/s of BERT-base in bf16 with CUDA graphs, 512 clients with one text each, on one H100 80GB with 16 cores, by
# workers (1 worker: 256 clients): 1: 3,562, 2: 7,310, 4: 13,607, 8: 12,928. Measured 2026-11-28. An H200 is
# as fast in bf16. An L4 has 121 of their 989 TFLOP/s: its share of 4 workers is less than 1, and 2 are the fewest of
# which one can work on the CPU while the other's batch is on the GPU. `make gpu-kit` measures another card.
CARDS = (
    Card(word="H100", workers=4, basis="measured on 16 cores, 2026-11-28"),
    Card(word="H200", workers=4, basis=NOT_MEASURED),
    Card(word="L4", workers=2, basis=NOT_MEASURED),
)
OTHER_CARD = Card(word="", workers=2, basis=NOT_MEASURED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Workers:
    """A number of workers for each model, and why."""

    number: int
    why: str


def choose_workers(machine: Machine, num_models: int) -> Workers:
    """Choose what fills the GPUs and leaves each worker a core; the same number on each, at least one of a model."""
    if not machine.num_gpus:
        return Workers(number=1, why="on a CPU one uses all cores")
    card = _card_of(machine.gpu.name if machine.gpu else "")
    name = machine.gpu.name if machine.gpu else "a GPU that is not known"
    cores = (machine.cores - CORES_FOR_JAVA) // (machine.num_gpus * num_models)
    on_each = max(1, min(card.workers // num_models, cores))
    why = f"{name} is filled by {card.workers} ({card.basis})"
    if num_models > 1:
        why += f", and {num_models} models share it"
    if cores < card.workers // num_models:
        why += f"; of {machine.cores} core{'s' * (machine.cores > 1)} one is java's, and each worker needs one"
    return Workers(number=on_each * machine.num_gpus, why=why)


def _card_of(name: str) -> Card:
    """The card of this name; a part of one (MIG) is a card that nobody measured."""
    words = name.split()
    return next((card for card in CARDS if card.word in words and "MIG" not in words), OTHER_CARD)
