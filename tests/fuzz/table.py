"""A report for people."""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from .run import Report

MAX_SHOWN = 10
WIDTH = 170


def print_report(report: Report) -> None:
    """Outcomes by door; then what is wrong, if anything is."""
    console = Console(width=WIDTH)
    console.print(_tabulate(report))
    for violation in report.violations[:MAX_SHOWN]:
        shown = f"\n{violation.what}\n{violation.request}".encode("utf-8", "backslashreplace").decode()
        console.print(Text(shown), soft_wrap=True)
    console.print(f"{report.outcomes.total()} requests, {len(report.violations)} violations")


def _tabulate(report: Report) -> Table:
    doors = list(dict.fromkeys(door for door, _ in sorted(report.outcomes)))
    table = Table("outcome", *doors)
    for outcome in sorted({outcome for _, outcome in report.outcomes}):
        counts = [report.outcomes[door, outcome] for door in doors]
        table.add_row(outcome, *(str(count or "") for count in counts))
    return table
