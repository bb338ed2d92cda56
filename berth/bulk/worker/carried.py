"""What a part carries of its input beside the answers, each column and key under a name that nothing else has. Pure."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import msgspec
import pyarrow as pa

from ...names import beside

OWN = ("row", "result", "tokens", "truncated", "error")
"""Columns of the output that are berth's own."""
OTHERS = "others"
"""The column that has, where a part is a table, what a JSON line has beside the task's keys: an object, as JSON."""
read_raw = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
"""An object's keys; its values as they stand, so that a number keeps all its digits. They are not held to be UTF-8."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """Of one claim's rows."""

    columns: Any
    """pyarrow.Table: what the file has beside the task's columns; of JSON lines the one column OTHERS."""
    is_of_lines: bool
    """Whether the file has JSON lines."""
    folders: Mapping[str, str]
    """Columns that the path names (hive): each has one value."""

    def table(self) -> Any:
        """As a pyarrow.Table."""
        names = (beside(name, self.folders) for name in self.columns.column_names)
        table = self.columns.rename_columns([beside(name, OWN) for name in names])
        for name, value in self.folders.items():
            table = table.append_column(beside(name, OWN), pa.repeat(pa.scalar(value, pa.string()), table.num_rows))
        return table

    def objects(self, taken: Collection[str] = OWN) -> Iterator[dict[str, Any]]:
        """As an object a row, to be written as JSON beside the keys `taken`; a line's values are msgspec.Raw."""
        rename = cache(lambda name: beside(beside(name, self.folders), taken))
        folders = {beside(name, taken): value for name, value in self.folders.items()}
        for row in list_rows(self.columns):
            found = read_raw(row[OTHERS] or "{}") if self.is_of_lines else row
            yield {rename(name): value for name, value in found.items()} | folders


def list_rows(table: Any) -> Sequence[dict[str, Any]]:
    """The rows of a pyarrow.Table, which may have no column."""
    return table.to_pylist() if table.num_columns else [{} for _ in range(table.num_rows)]
