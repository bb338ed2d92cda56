"""Results for people, as a table, or for programs, as JSON lines."""

import json
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

SHOWN_VALUES = 4


def render(inputs: Sequence[str], results: Sequence[object], *, as_json: bool) -> str:
    """One line of JSON per result, as the server gave it, or a table as wide as the terminal."""
    if as_json:
        return "\n".join(json.dumps(result) for result in results)
    columns, rows = _embedding_rows(results) if isinstance(results[0], list) else _label_rows(results)
    table = Table("text", *columns)
    for text, row in zip(inputs, rows, strict=True):
        table.add_row(Text(text, overflow="ellipsis", no_wrap=True), *map(Text, row))
    console = Console()
    with console.capture() as capture:
        console.print(table)
    return capture.get().rstrip("\n")


def _embedding_rows(results: Sequence[object]) -> tuple[list[str], list[list[str]]]:
    vectors = [result for result in results if isinstance(result, list)]
    rows = [[str(len(vector)), _first_values(vector)] for vector in vectors]
    return ["dimensions", "first values"], rows


def _first_values(vector: Sequence[float]) -> str:
    shown = " ".join(f"{value: .4f}" for value in vector[:SHOWN_VALUES])
    return f"{shown} ..." if len(vector) > SHOWN_VALUES else shown


def _label_rows(results: Sequence[object]) -> tuple[list[str], list[list[str]]]:
    labels = [result for result in results if isinstance(result, dict)]
    return ["label", "score"], [[str(label["label"]), f"{label['score']:.4f}"] for label in labels]
