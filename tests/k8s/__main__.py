"""`make k8s`: every Kubernetes file and object through every checker, as tables; exit code 1 if one is refused."""

import sys
from collections import Counter
from typing import IO

from rich.console import Console
from rich.table import Table

from .checkers import CHECKERS, Outcome, Row, file_rows, object_rows

WIDTH = 175  # the widest row, also where there is no terminal


def report(output: IO[str]) -> int:
    """Writes the tables, the reasons and the counts; 1 if anything was refused."""
    checked_files, checked_objects = list(file_rows()), list(object_rows())
    checked = [*checked_files, *checked_objects]
    console = Console(file=output, width=WIDTH, highlight=False)
    console.print(_table(checked_files, ["yamllint", "kustomize"]), _table(checked_objects, ["kustomize", *CHECKERS]))
    for reason in _reasons(checked):
        console.print(reason, soft_wrap=True, markup=False)
    counts = Counter(verdict.outcome for row in checked for verdict in row.verdicts.values())
    console.print(", ".join(f"{counts[outcome]} {outcome.value}" for outcome in Outcome if outcome.value != "-"))
    return 1 if counts[Outcome.REFUSED] else 0


def _table(checked: list[Row], columns: list[str]) -> Table:
    table = Table("rendering", "file or object", *columns)
    previous = checked[0].rendering
    for row in checked:
        if row.rendering != previous:
            table.add_section()
        cells = [row.verdicts[name].outcome.value if name in row.verdicts else "-" for name in columns]
        table.add_row(row.rendering, row.name, *cells)
        previous = row.rendering
    return table


def _reasons(checked: list[Row]) -> list[str]:
    """Each reason once, with the first place that has it."""
    found: dict[str, str] = {}
    for row in checked:
        for name, verdict in row.verdicts.items():
            if verdict.reason:
                found.setdefault(f"{name} {verdict.outcome.value}: {verdict.reason}", f"{row.rendering} {row.name}")
    return [f"{place}: {reason}" for reason, place in found.items()]


if __name__ == "__main__":
    sys.exit(report(sys.stdout))
