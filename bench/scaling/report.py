"""What became of loads, as a table for people."""

from collections.abc import Mapping, Sequence

from ..report import to_table
from .cluster import Outcome

HEADER = ("pods by", "minutes over", "refused", "most pods", "pod hours", "dollars")


def curve_table(outcomes: Mapping[str, Outcome], target_s: float, dollars_an_hour: float) -> str:
    """A row for each way of having pods, of one load."""
    return to_table(HEADER, [_row(name, each, target_s, dollars_an_hour) for name, each in outcomes.items()])


def _row(name: str, outcome: Outcome, target_s: float, dollars_an_hour: float) -> Sequence[str]:
    hours = outcome.pod_seconds / 3600
    return (
        name,
        f"{outcome.minutes_over(target_s)} of {len(outcome.windows)}",
        f"{outcome.num_refused} ({outcome.num_refused / outcome.num_requests:.1%})",
        str(outcome.most_pods),
        f"{hours:.1f}",
        f"{hours * dollars_an_hour:.2f}",
    )


def to_figures(outcome: Outcome, target_s: float) -> dict[str, float]:
    """The same for machines."""
    return {
        "requests": outcome.num_requests,
        "refused": outcome.num_refused,
        "minutes": len(outcome.windows),
        "minutes_over": outcome.minutes_over(target_s),
        "most_pods": outcome.most_pods,
        "pod_hours": round(outcome.pod_seconds / 3600, 2),
    }
