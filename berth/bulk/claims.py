"""A file in claims, each so many rows or bytes of it: what is in a claim depends on the file and the limits alone."""

from collections.abc import Iterator
from dataclasses import dataclass

from .job import Limits
from .sources import Form, Source
from .streams import open_stream
from .text_records import DELIMITERS, Position, TextRecords


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Some records of one file."""

    payload: bytes
    """As they stand in the file; of Parquet an Arrow stream."""
    rows: int
    start: Position
    end: Position
    share: float
    """How much of the file has been read when it is there, 0 to 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Rows of one file that have no part yet."""

    source: int
    """Which file, from 0."""
    start: Position
    """The end of a claim, or the file's beginning."""
    stop: int | None
    """The row that it ends before, a claim's first; None: the file's end."""


def read_claims(source: Source, limits: Limits, at: Position) -> Iterator[Claim]:
    """All claims of a file from a position on that was a claim's end; UsageError where it cannot be read further."""
    if source.form is Form.PARQUET:
        from .parquet_rows import read_row_groups  # noqa: PLC0415 - the command's help needs no pyarrow

        for payload, first, last, total in read_row_groups(source, limits, at.row):
            start, end = Position(row=first), Position(row=last)
            yield Claim(payload=payload, rows=last - first, start=start, end=end, share=last / total)
        return
    yield from _read_text(source, limits, at)


def read_gap(source: Source, limits: Limits, gap: Gap) -> Iterator[Claim]:
    """The claims of a gap, in order; UsageError as for `read_claims`."""
    for claim in read_claims(source, limits, gap.start):
        if gap.stop is not None and claim.start.row >= gap.stop:
            return
        yield claim


def read_names(source: Source) -> list[str]:
    """The names in the header of a CSV or TSV, none for another form; UsageError where it is missing."""
    if source.form not in DELIMITERS:
        return []
    with open_stream(source) as stream:
        return TextRecords(source, stream).names


def _read_text(source: Source, limits: Limits, at: Position) -> Iterator[Claim]:
    with open_stream(source) as stream:
        records = TextRecords(source, stream)
        records.go_to(at)
        start, lines, num_bytes = records.position, list[bytes](), 0
        for _, record in records:
            lines.append(record)
            num_bytes += len(record)
            end = records.position
            if end.row - start.row == limits.rows or num_bytes >= limits.bytes:
                yield from _claim(lines, start, end, stream.share())
                start, lines, num_bytes = end, [], 0
        yield from _claim(lines, start, records.position, 1.0)


def _claim(lines: list[bytes], start: Position, end: Position, share: float) -> Iterator[Claim]:
    """The claim of these lines; none where they are blank."""
    if rows := end.row - start.row:
        yield Claim(payload=b"".join(lines), rows=rows, start=start, end=end, share=share)
