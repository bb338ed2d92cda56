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
    """Which doors had each outcome, and how often: there are more doors than columns in a line."""
    table = Table("outcome", "requests", "by door")
    for outcome in sorted({outcome for _, outcome in report.outcomes}):
        counts = {door: count for (door, found), count in sorted(report.outcomes.items()) if found == outcome}
        by_door = ", ".join(f"{door} {count}" for door, count in counts.items())
        table.add_row(outcome, str(sum(counts.values())), by_door)
    return table
