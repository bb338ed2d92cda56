"""A drill's figures as lines of text."""

from collections.abc import Iterator, Sequence


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> Iterator[str]:
    """The header and the rows, their columns aligned."""
    lines = [header, *[[str(cell) for cell in row] for row in rows]]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    for line in lines:
        yield "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()


def verdict(is_kept: bool, promise: str) -> str:
    """A line that says whether a promise was kept."""
    return f"{'kept' if is_kept else 'FAILED'}: {promise}"
