"""What a document says: figures by peer and mix, ratios, rounds that do not count. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from ...stats import Spread
from ..measure.cell import CLOSED

BERTH = "berth"
Found = Mapping[str, Any]
"""One model's part of a document, one of its peers, or one of its cells."""


def good_cells(model: Found) -> list[Found]:
    """The cells that have figures and stand in a round that counts."""
    void = set(void_rounds(model))
    return [cell for cell in model["cells"] if not cell["void"] and cell["round"] not in void]


def void_rounds(model: Found) -> list[int]:
    """Rounds in which somebody did more than the peak that was measured: the machine was not the same throughout."""
    return sorted({cell["round"] for cell in model["cells"] if peak_share(model, cell) > 1})


def peak_share(model: Found, cell: Found) -> float:
    """A cell's useful work as a share of the best product of its round: in fp32, or for others in any precision."""
    peaks: Mapping[str, float] = model["peaks_gflops"][cell["round"] - 1]
    is_fp32 = model["peers"][cell["peer"]]["precision"] == "fp32"
    useful: float = cell["useful_gflops"]
    return useful / (peaks["fp32"] if is_fp32 else max(peaks.values()))


def select(model: Found, **wanted: object) -> list[Found]:
    """The good cells whose fields have these values."""
    return [cell for cell in good_cells(model) if all(cell[name] == value for name, value in wanted.items())]


def spread(cells: Sequence[Found], name: str) -> Spread | None:
    """The spread of one figure over cells; None where there is none."""
    return Spread.of([cell[name] for cell in cells]) if cells else None


def ratios(model: Found, mix: str, peer: str, others: Sequence[str]) -> list[float]:
    """A peer's requests/s over those of the best of others, by round, where both were measured."""
    cells = select(model, mix=mix, kind=CLOSED)
    rates = {(cell["round"], cell["peer"]): cell["rps"] for cell in cells}
    found = []
    for number in sorted({cell["round"] for cell in cells}):
        beside = [rates[number, other] for other in others if (number, other) in rates]
        if beside and (number, peer) in rates:
            found.append(rates[number, peer] / max(beside))
    return found


def rivals(model: Found, precision: str | None = None) -> list[str]:
    """The peers that are not berth, of one precision or of any."""
    return [
        name
        for name, peer in model["peers"].items()
        if not name.startswith(BERTH) and precision in (None, peer["precision"])
    ]
