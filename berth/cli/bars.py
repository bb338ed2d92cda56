"""Progress bars on stderr where that is a terminal, silence elsewhere."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

from ..progress import Advance, Progress


class _Bars:
    """A Progress with one line for each step: done, or under way."""

    def __init__(self, bars: Bars) -> None:
        self._bars = bars

    def begin(self, what: str, total: int | None = None) -> Advance:
        for task in self._bars.tasks:
            self._bars.update(task.id, total=task.total or 1, completed=task.total or 1)
        step = self._bars.add_task(what, total=total)
        return lambda done: self._bars.advance(step, done)


@contextmanager
def show_progress() -> Iterator[Progress]:
    """Show bars while the work runs; they vanish with it, so that only the result remains."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Bars(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        yield _Bars(bars)
