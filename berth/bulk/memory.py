"""How much memory a run takes, counted before its first worker starts."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from handler.config import Task
from handler.vectors.settings import Kind

from ..errors import Refused
from ..machine.machine import Machine
from ..machine.quantities import MIB, format_bytes
from ..memory.budget import LIBRARIES_BYTES, PROCESS_BYTES, TOKEN_BYTES, TOKENIZER_FACTOR, Part, activation_bytes
from ..memory.model_size import ModelSize
from ..memory.weights import config_of, weight_bytes
from .job import PART_BYTES
from .workers import AHEAD

COMMAND_BYTES = 140 * MIB
"""The command itself, with pyarrow."""
ARROW_BYTES = 60 * MIB
"""What a worker has more than a server's: pyarrow."""
CLIENT_BYTES = 32 * MIB
"""A client of a bucket in one process, with a part on its way: S3's takes 13 MB, Google's 20 (pyarrow 26)."""
ROW_BYTES = 2600
"""Python's objects around a row on its way through the engine, and its answer where that is no vector."""
JSON_BYTES = 1024 * 40
"""A server's answer with a vector of 1024 numbers: as JSON, as Python's floats, as an array."""
ROWS_FACTOR = 12
"""A claim as bytes, as strings of four bytes a character, as tokens and what finds equal ones; then its part."""
TOKENS_PART = 16
"""A claim of a model that gives a vector for each token has this fraction of the bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunMemory:
    """What a run takes at the most."""

    parts: tuple[Part, ...]
    machine: Machine

    @property
    def total_bytes(self) -> int:
        """Bytes of all parts."""
        return sum(part.total_bytes for part in self.parts)

    def require_fit(self) -> None:
        """Refused where the machine grants less."""
        if self.total_bytes > self.machine.memory.bytes:
            largest = sorted(self.parts, key=lambda part: -part.total_bytes)[:3]
            said = ", ".join(f"{part.name} {format_bytes(part.bytes)} x {part.count}" for part in largest)
            raise Refused(
                f"the run would need {format_bytes(self.total_bytes)} of memory, and {self.machine.memory.source} "
                f"grants {format_bytes(self.machine.memory.bytes)}; most of it: {said}. What helps: fewer cores "
                "(taskset -c 0), a smaller --part-rows, or more memory; --memory overrides the limit"
            )


def gives_tokens(size: ModelSize, parameters: Mapping[str, object]) -> bool:
    """Whether rows get a vector for each of their tokens: they ask for those, or the model makes no other."""
    vectors = config_of(size).vectors
    if vectors is None or config_of(size).task is not Task.EMBEDDINGS:
        return False
    asked = parameters.get("vectors") or vectors.kinds[0]
    return Kind.MULTI_VECTOR in (asked if isinstance(asked, list) else [asked])


def count_memory(size: ModelSize, machine: Machine, workers: int, part_rows: int, part_bytes: int) -> RunMemory:
    """Count a run with so many workers."""
    device = "cuda" if machine.num_gpus else "cpu"
    shared, private = weight_bytes(size, device, workers)
    return RunMemory(
        machine=machine,
        parts=(
            *_reading_parts(size, workers, part_bytes),
            Part(name="weights, shared", bytes=shared),
            Part(name="a worker's copy of the weights", bytes=private, count=workers),
            Part(name="a worker's activations", bytes=activation_bytes(size, device), count=workers),
            Part(name="a worker's part", bytes=_part_bytes(size, part_rows, part_bytes), count=workers),
        ),
    )


def count_reading(size: ModelSize, machine: Machine, workers: int, part_rows: int, part_bytes: int) -> RunMemory:
    """Count a run that tokenises and loads no weights."""
    part = part_rows * ROW_BYTES + part_bytes * (ROWS_FACTOR + TOKEN_BYTES)
    return RunMemory(
        machine=machine,
        parts=(
            *_reading_parts(size, workers, part_bytes),
            Part(name="a worker's part", bytes=part, count=workers),
        ),
    )


def _reading_parts(size: ModelSize, workers: int, part_bytes: int) -> tuple[Part, ...]:
    """What a run takes that reads rows by the archive's tokenizer."""
    process = PROCESS_BYTES + ARROW_BYTES + TOKENIZER_FACTOR * size.tokenizer_bytes
    return (
        Part(name="the command", bytes=COMMAND_BYTES),
        Part(name="claims under way", bytes=part_bytes, count=2 * AHEAD * workers),
        Part(name="a worker's libraries", bytes=LIBRARIES_BYTES),
        Part(name="a worker's process", bytes=process, count=workers),
    )


def count_clients(memory: RunMemory, processes: int) -> RunMemory:
    """Add what the clients of a bucket take."""
    return replace(memory, parts=(*memory.parts, Part(name="a bucket's client", bytes=CLIENT_BYTES, count=processes)))


def count_asking(machine: Machine, workers: int, part_rows: int) -> RunMemory:
    """Count a run that asks a server."""
    part = part_rows * (ROW_BYTES + JSON_BYTES) + ROWS_FACTOR * PART_BYTES
    return RunMemory(
        machine=machine,
        parts=(
            Part(name="the command", bytes=COMMAND_BYTES),
            Part(name="claims under way", bytes=PART_BYTES, count=2 * AHEAD * workers),
            Part(name="a worker's process", bytes=COMMAND_BYTES, count=workers),
            Part(name="a worker's part", bytes=part, count=workers),
        ),
    )


def bytes_of_part(*, gives_tokens: bool) -> int:
    """Bytes of input after which a part ends."""
    return PART_BYTES // TOKENS_PART if gives_tokens else PART_BYTES


def _part_bytes(size: ModelSize, rows: int, part_bytes: int) -> int:
    """What a worker holds of one part: texts and tokens, and answers as values, as a table and as a file."""
    numbers = size.vector_size * 4 if config_of(size).task is Task.EMBEDDINGS else 0
    tokens = part_bytes * (size.token_width * 4 + TOKEN_BYTES) if part_bytes < PART_BYTES else part_bytes * TOKEN_BYTES
    return rows * (ROW_BYTES + 4 * numbers) + ROWS_FACTOR * part_bytes + tokens
