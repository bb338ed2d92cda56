"""Which column of the input is which key of the task, and what else is carried along: the same for every file."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import UsageError
from .claims import Claim, Gap, read_gap, read_names
from .job import Limits
from .messages import Placed, Ready, Work
from .sources import Form, Source

PAIR = "text_pair"
"""The only key that may be absent."""
ALIASES = {"pair": PAIR}


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """What is read of each file."""

    keys: dict[str, str]
    """Key of the task -> column; of plain lines nothing."""
    names: dict[int, list[str]]
    """The header of each CSV or TSV, by the number of its source."""
    rows: dict[int, int]
    """How many rows a source has, of those that say so (Parquet)."""
    carried: list[str]
    """What is carried along, in order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """All that makes work of files, on whatever machine sees them."""

    sources: Sequence[Source]
    limits: Limits
    columns: Columns

    def read(self, gap: Gap) -> Iterator[tuple[Placed, Work]]:
        """Each claim of a gap, as the part 0 without a place; UsageError where the file cannot be read further."""
        for claim in read_gap(self.sources[gap.source], self.limits, gap):
            placed = Placed(source=gap.source, start=claim.start, end=claim.end, share=claim.share)
            yield placed, self.work(0, gap.source, claim)

    def work(self, number: int, index: int, claim: Claim) -> Work:
        """What a worker is told of a claim of the source `index`, to be the part `number`."""
        source = self.sources[index]
        return Work(
            number=number,
            form=str(source.form),
            names=self.columns.names.get(index, []),
            columns=self.columns.keys,
            partitions=source.partitions,
            payload=claim.payload,
            rows=claim.rows,
            first_row=claim.start.row,
            file=None,
        )


def choose_columns(asked: Mapping[str, str], sources: Sequence[Source], ready: Ready) -> Columns:
    """Find the task's columns in every file; UsageError names the file and the columns that it has."""
    keys = _name_keys(asked, ready)
    chosen: list[Columns] = []
    for number, source in enumerate(sources):
        chosen.append(_look(number, source, keys, ready))
        if chosen[-1].keys != chosen[0].keys or chosen[-1].carried != chosen[0].carried:
            raise UsageError(
                f"{source.path} has the columns {_list(chosen[-1])}, and {sources[0].path} {_list(chosen[0])}: they "
                "cannot be one output: run them one after the other"
            )
    if not chosen:  # a run's share of few files
        return Columns(keys=keys, carried=[], names={}, rows={})
    return Columns(
        keys=chosen[0].keys,
        carried=chosen[0].carried,
        names={number: names for each in chosen for number, names in each.names.items()},
        rows={number: rows for each in chosen for number, rows in each.rows.items()},
    )


def _name_keys(asked: Mapping[str, str], ready: Ready) -> dict[str, str]:
    """Every key of the task with the column that is meant: its own name where none was given."""
    named = {ALIASES.get(key, key) or ready.keys[0]: column for key, column in asked.items()}
    if unknown := next((key for key in named if key not in ready.keys), None):
        raise UsageError(f"--column {unknown}=...: this model takes {ready.wanted}")
    return {key: named.get(key, key) for key in ready.keys}


def _look(number: int, source: Source, keys: Mapping[str, str], ready: Ready) -> Columns:
    if source.form is Form.LINES:
        if not ready.takes_string:
            raise UsageError(f"{source.path} has lines of text, and this model takes {ready.wanted}: give JSON lines")
        return Columns(keys={}, names={}, rows={}, carried=[])
    if source.form is Form.JSONL:
        return Columns(keys=dict(keys), names={}, rows={}, carried=["others", *source.partitions])
    types, rows = _read_types(source)
    names = {number: list(types)} if source.form is not Form.PARQUET else {}
    found = {key: column for key, column in keys.items() if column in types}
    for key, column in keys.items():
        _check(source, key, column, types)
    carried = [name if types[name] is None else f"{name}: {types[name]}" for name in types]
    carried = [each for each in carried if each.partition(":")[0] not in found.values()]
    counted = {} if rows is None else {number: rows}
    return Columns(keys=found, names=names, rows=counted, carried=[*carried, *source.partitions])


def _read_types(source: Source) -> tuple[dict[str, Any], int | None]:
    if source.form is not Form.PARQUET:
        return dict.fromkeys(read_names(source)), None
    from .parquet_rows import read_schema  # noqa: PLC0415 - the command's help needs no pyarrow

    schema, rows = read_schema(source)
    return {field.name: field.type for field in schema}, rows


def _check(source: Source, key: str, column: str, types: Mapping[str, Any]) -> None:
    if column not in types:
        if key == PAIR and column == PAIR:
            return
        raise UsageError(
            f"{source.path} has no column {column}, but {', '.join(types) or 'none'}: say which one it is, "
            f"--column {key}=NAME"
        )
    kind = str(types[column])
    wanted = ("list",) if key == "texts" else ("string", "large_string", "string_view", "null")
    if types[column] is not None and not kind.startswith(wanted):
        raise UsageError(
            f"{source.path}: the column {column} has {kind}, and {key} is text: choose another by --column"
        )


def _list(columns: Columns) -> str:
    return ", ".join([*columns.keys.values(), *columns.carried]) or "of a file of lines"
