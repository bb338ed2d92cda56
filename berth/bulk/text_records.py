"""The records of a text file as raw bytes, one after the other, with where each ends."""

import csv
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ..errors import UsageError
from .sources import Form, Source
from .streams import Stream

MAX_RECORD_BYTES = 64 << 20  # a file without line ends, or with a quote that is never closed, is not read into memory
MARK = b"\xef\xbb\xbf"  # that a file is UTF-8
DELIMITERS = {Form.CSV: ",", Form.TSV: "\t"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """A place between two records of a file."""

    row: int = 0
    """Rows before it."""
    byte: int = 0
    """Bytes before it, uncompressed; 0 in Parquet."""


START = Position()


def read_cells(lines: Iterable[str], form: Form) -> Iterator[list[str]]:
    """The cells of each record of a CSV or TSV, however long; csv.Error where there is none to be made of it."""
    csv.field_size_limit(sys.maxsize)
    return csv.reader(lines, delimiter=DELIMITERS[form])


class TextRecords:
    """Iterates over each record and whether it is a row: blank ones of JSON lines and CSV are none.

    A CSV's records are found by the csv module, which looks at ASCII only: it is given any byte as a character of
    Latin-1, and nothing that is not UTF-8 fails here.
    """

    def __init__(self, source: Source, stream: Stream) -> None:
        """Begin with the first record; of CSV and TSV behind the header, whose names are in `names`."""
        self._source, self._stream = source, stream
        self._row = self._byte = 0
        self._lines: list[bytes] = []
        self._num_bytes = 0
        self.names: list[str] = []
        if source.form in DELIMITERS:
            self._reader = read_cells(self._decoded(), source.form)
            self.names = self._read_header()

    @property
    def position(self) -> Position:
        """Where the next record begins."""
        return Position(row=self._row, byte=self._byte)

    def go_to(self, at: Position) -> None:
        """Go on from a position that was reached before; a compressed file is read up to it."""
        if at.byte <= self._byte:
            return
        if self._source.compression is None:
            self._stream.content.seek(at.byte)
            self._row, self._byte = at.row, at.byte
        else:
            while self._byte < at.byte and self._next() is not None:
                pass

    def __iter__(self) -> Iterator[tuple[bool, bytes]]:
        while (found := self._next()) is not None:
            yield found

    def _next(self) -> tuple[bool, bytes] | None:
        if self._source.form in DELIMITERS:
            fields = self._next_fields()
            if fields is None:
                return None
            is_row, record = bool(fields), b"".join(self._lines)
        else:
            record = self._read_line()
            if not record:
                return None
            is_row = self._source.form is Form.LINES or not record.isspace()
        self._row += is_row
        return is_row, record

    def _next_fields(self) -> list[str] | None:
        """The fields of the next record; the lines that it took are kept."""
        self._lines, self._num_bytes = [], 0
        try:
            return next(self._reader, None)
        except csv.Error as error:
            raise UsageError(f"{self._where()}: {error}") from error

    def _read_header(self) -> list[str]:
        fields = next((each for each in iter(self._next_fields, None) if each), None)
        if fields is None:
            raise UsageError(f"{self._source.path} is empty: a {self._source.form} file begins with a header")
        names = [name.encode("latin-1").decode("utf-8", "replace").strip() for name in fields]
        if len(set(names)) < len(names) or "" in names:
            raise UsageError(f"{self._source.path}: a name in its header stands there twice, or is empty: {names}")
        return names

    def _decoded(self) -> Iterator[str]:
        while line := self._read_line():
            self._lines.append(line)
            self._num_bytes += len(line)
            if self._num_bytes > MAX_RECORD_BYTES:
                raise UsageError(
                    f"{self._where()}: more than {MAX_RECORD_BYTES} bytes are one record: is a quote open?"
                )
            yield line.decode("latin-1")

    def _read_line(self) -> bytes:
        """The next line with its end, b"" behind the last."""
        is_first = self._byte == 0
        line = self._stream.content.readline(MAX_RECORD_BYTES + 1)
        self._byte += len(line)
        if len(line) > MAX_RECORD_BYTES:
            raise UsageError(
                f"{self._where()}: more than {MAX_RECORD_BYTES} bytes are one line: is it a file of texts?"
            )
        if is_first and line.startswith(MARK):
            return line.removeprefix(MARK) or self._read_line()
        return line

    def _where(self) -> str:
        return f"{self._source.path}, behind row {self._row}"
