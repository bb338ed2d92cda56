"""What the command and its workers tell each other, in msgpack over a pipe each. Pure."""

from typing import Any

import msgspec

from .job import Server
from .text_records import Position


class Setup(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The first message to a worker: what to load, and what holds for all parts."""

    folder: str
    """The unpacked archive; "" where a server is asked."""
    server: Server | None = None
    reads_only: bool = False
    """Whether texts are tokenised and nothing is answered."""
    parameters_json: bytes
    """An object; msgpack has no integer of more than 64 bits, and what is wrong with one is for the engine to say."""
    to: str
    float16: bool
    fails: bool
    """Whether a part with a row's error is not written."""
    gpu_id: int | None = None
    threads: int = 1

    @property
    def parameters(self) -> dict[str, Any]:
        """As a request's."""
        return msgspec.json.decode(self.parameters_json, type=dict[str, Any])


class Ready(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The first answer: a worker has loaded the model."""

    engine: dict[str, Any]
    """What runs: task, engine, device, precision, token budget, threads."""
    versions: dict[str, str]
    keys: list[str]
    """The task's input keys; all but text_pair are needed."""
    wanted: str
    """What an input is, for a sentence."""
    takes_string: bool


class Work(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Rows to answer."""

    number: int
    """Of the part."""
    form: str
    names: list[str]
    """Names of the columns of a CSV's records; empty for other forms."""
    columns: dict[str, str]
    """Key of the task's input -> column of the file."""
    partitions: dict[str, str]
    """Columns that the path names (hive)."""
    payload: bytes
    """Records as they stand in the file; of Parquet an Arrow stream."""
    rows: int
    first_row: int
    """Its number in the file, from 0."""
    file: str | None
    """Where the part is written before it is moved to its place; None: only answer, as `--plan` does."""


class Placed(msgspec.Struct, frozen=True, kw_only=True):
    """Where a claim stands."""

    source: int
    """Which file, from 0."""
    start: Position
    end: Position
    share: float
    """How much of the file has been read when it is there, 0 to 1."""


class Done(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A part is on the disk."""

    number: int
    rows: int
    size: int = 0
    sha256: str = ""
    stamp: str = ""
    errors: dict[str, int] = {}
    """Rows without an answer, by the type of their error."""
    cut: int = 0
    """Rows of whose texts the model read a part only."""
    tokens: int = 0
    """Tokens that the rows have as the model reads them; equal texts, which it reads once, count each."""
    seconds: float = 0.0
    first_error: str = ""
    """The row and the words of the first error."""


class Audited(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """What the model would read of a claim."""

    number: int
    rows: int
    lengths: dict[int, int]
    """Tokens of a row, as if nothing were cut -> rows that have so many."""
    read: int
    """Tokens that the model would read."""
    cut: int
    """Rows of which it would read a part only."""
    unknown: int
    errors: dict[str, int]
    digests: bytes
    """Eight bytes for each row: those of equal rows are equal."""


class Failed(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A worker cannot go on, and why."""

    message: str
    exit_code: int = 1


class RowError(msgspec.Struct, frozen=True, kw_only=True):
    """Why a row has no answer, as the server's error object."""

    code: int
    type: str
    message: str


ToWorker = Setup | Work
FromWorker = Ready | Done | Audited | Failed
encode = msgspec.msgpack.Encoder().encode
read_to_worker = msgspec.msgpack.Decoder(ToWorker).decode
read_from_worker = msgspec.msgpack.Decoder(FromWorker).decode
