"""Parts -> goals that are met or not, and a page for people. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from ..report import to_list, to_table
from .goals import GOALS, Figures, Goal

SCHEMA_VERSION = 2


def judge(figures: Figures, *, counts: bool) -> list[dict[str, object]]:
    """Each goal with its value; `counts`: whether these figures can meet a goal at all."""
    return [_judge(goal, figures, counts=counts) for goal in GOALS]


def _judge(goal: Goal, figures: Figures, *, counts: bool) -> dict[str, object]:
    bound = f"at least {goal.at_least:g}" if goal.at_least is not None else f"at most {goal.at_most:g}"
    value = read(goal, figures)
    verdict = "not measured" if value is None or not counts else "met" if goal.is_met(value) else "NOT MET"
    return {"goal": goal.text, "bound": bound, "value": value, "verdict": verdict}


def read(goal: Goal, figures: Figures) -> float | None:
    """The goal's value; None where one of its figures is missing, or a rate is 0."""
    try:
        return goal.read(figures)
    except (KeyError, ZeroDivisionError):
        return None


def to_page(document: Mapping[str, Any]) -> str:
    """The page: goals, parts, every figure, and where they come from."""
    facts = {
        name: document[name] for name in ("date", "commit", "command", "device", "place", "driver", "host", "versions")
    }
    small = " **A small form on a small model: these figures say nothing of a card.**" if document["is_small"] else ""
    blocks = [
        f"# On a GPU: {document['card']}",
        f"Each goal, and the figure that was measured.{small}",
        to_table(("goal", "bound", "measured", "verdict"), [_goal_row(goal) for goal in document["goals"]]),
        "## Parts",
        to_table(("part", "question", "state", "seconds"), [_part_row(part) for part in document["parts"]]),
        *(block for part in document["parts"] for block in _part_blocks(part)),
        "## Where these figures come from",
        to_list(facts),
    ]
    return "\n\n".join(blocks) + "\n"


def _goal_row(goal: Mapping[str, Any]) -> Sequence[str]:
    value = "" if goal["value"] is None else f"{goal['value']:,.4g}"
    return goal["goal"], goal["bound"], value, goal["verdict"]


def _part_row(part: Mapping[str, Any]) -> Sequence[str]:
    return part["name"], part["title"], part["state"], f"{part['seconds']:.0f}"


def _part_blocks(part: Mapping[str, Any]) -> list[str]:
    said = [f"- failed: {line}" for line in part["failures"]] + [f"- skipped: {line}" for line in part["skipped"]]
    rows = [(each["name"], f"{each['value']:,.4g}", each["unit"]) for each in part["figures"]]
    table = [to_table(("figure", "value", "unit"), rows)] if rows else []
    return [f"## {part['name']}", *(["\n".join(said)] if said else []), *table]
