"""Parquet files: their columns, and their rows as Arrow streams, from any row on without reading what is before it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ..errors import UsageError
from .job import Limits
from .sources import Source
from .storage.places import open_for_arrow, unreadable


def read_schema(source: Source) -> tuple[Any, int]:
    """A file's columns, without what pandas says beside them, and its rows; UsageError where it is damaged."""
    with _open(source) as file:
        return _plain_schema(file.schema_arrow), file.metadata.num_rows


def read_row_groups(source: Source, limits: Limits, at: int) -> Iterator[tuple[bytes, int, int, int]]:
    """Rows from number `at` on, as (Arrow stream, first row, the one behind the last, all rows of the file)."""
    with _open(source) as file:
        waiting = _plain_schema(file.schema_arrow).empty_table()
        total = file.metadata.num_rows
        for table in _batches(source, file, limits.rows, at):
            waiting = pa.concat_tables([waiting, table])
            while waiting.num_rows >= limits.rows:
                count = _fitting(waiting, limits)
                yield _to_stream(waiting.slice(0, count)), at, at + count, total
                waiting, at = waiting.slice(count), at + count
        while waiting.num_rows:
            count = _fitting(waiting, limits)
            yield _to_stream(waiting.slice(0, count)), at, at + count, total
            waiting, at = waiting.slice(count), at + count


@contextmanager
def _open(source: Source) -> Iterator[Any]:
    with _explained(source, "as Parquet"):
        raw = open_for_arrow(source.path)
        file = pq.ParquetFile(raw, pre_buffer=False)
    with raw, file:
        yield file


@contextmanager
def _explained(source: Source, how: str) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        said = f"cannot be read {how}: {_first_line(error)}; copy it again"
        raise unreadable(source.path, error, said) from error


def _batches(source: Source, file: Any, size: int, at: int) -> Iterator[Any]:
    """Tables of some rows each, from the row group of row `at` on and without what is before it."""
    counts = [file.metadata.row_group(group).num_rows for group in range(file.metadata.num_row_groups)]
    ends = np.cumsum(counts)
    first = int(np.searchsorted(ends, at, "right"))
    left_out = at - int(ends[first] - counts[first]) if first < len(counts) else 0
    with _explained(source, "to its end"):
        for batch in file.iter_batches(size, row_groups=range(first, len(counts)), use_threads=False):
            skipped = min(left_out, batch.num_rows)
            left_out -= skipped
            yield _plain(pa.Table.from_batches([batch.slice(skipped)]))


def _plain_schema(schema: Any) -> Any:
    fields = [pa.field(field.name, _plain_type(field.type)) for field in schema]
    if len({field.name for field in fields}) < len(fields):
        raise UsageError(f"two columns have one name: {', '.join(field.name for field in fields)}")
    return pa.schema(fields)


def _plain(table: Any) -> Any:
    return table.cast(_plain_schema(table.schema))


def _plain_type(kind: Any) -> Any:
    """Categories as their values: which number stands for which differs between row groups."""
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _fitting(table: Any, limits: Limits) -> int:
    """How many of the rows are one claim, at least one; of bytes those of strings count, in lists too."""
    table = table.slice(0, limits.rows)
    sizes = np.zeros(table.num_rows, np.int64)
    for column in table.columns:
        sizes += _text_bytes(column.combine_chunks())
    fitting = int(np.searchsorted(np.cumsum(sizes), limits.bytes)) + 1
    return min(len(sizes), fitting)


def _text_bytes(column: Any) -> Any:
    """Bytes of each row's strings, [rows]; 0 where a column has something else."""
    if _is_text(column.type):
        return pc.fill_null(pc.binary_length(column), 0).to_numpy()
    if not (pa.types.is_list(column.type) and _is_text(column.type.value_type)):
        return 0
    counts = pc.fill_null(pc.list_value_length(column), 0).to_numpy()
    sums = np.concatenate([[0], np.cumsum(_text_bytes(column.flatten()))])
    ends = np.cumsum(counts)
    return sums[ends] - sums[ends - counts]


def _is_text(kind: Any) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _to_stream(table: Any) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table.combine_chunks())
    content: bytes = sink.getvalue().to_pybytes()
    return content


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
