"""A claim -> a part: rows are read, answered, written."""

import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec
import pyarrow as pa

from ..job import Output
from ..messages import Done, RowError, Setup, Work
from ..storage.places import write_part, write_rejects
from .parts import Answers, encode_part, encode_rejects
from .results import ResultColumn
from .rows import Rows, read_rows


class Answering:
    """What a worker does with a claim."""

    def __init__(self, engine: Any, setup: Setup) -> None:
        """`engine`: handler.bulk.rows.RowEngine of the archive."""
        pa.set_cpu_count(1)
        pa.set_io_thread_count(1)
        self._engine, self._setup = engine, setup
        self._column = ResultColumn(
            str(engine.contract.task), engine.first.value, setup.parameters, float16=setup.float16
        )

    def answer(self, work: Work) -> Done:
        """Answer the rows and write the part, unless only the answers are wanted, or a row's error ends the run."""
        began_s = time.perf_counter()
        rows = read_rows(work)
        answers = self._ask(rows, work.first_row)
        failed = [place for place, error in enumerate(answers.errors) if error]
        done = Done(
            number=work.number,
            rows=work.rows,
            errors=dict(sorted(Counter(error.type for error in answers.errors if error).items())),
            cut=sum(filter(None, answers.truncated)),
            tokens=sum(filter(None, answers.tokens)),
            first_error=_describe(answers.errors, failed[0], work.first_row) if failed else "",
            seconds=time.perf_counter() - began_s,
        )
        if failed and self._setup.fails:
            return done
        if failed and work.file and self._setup.server:
            write_rejects(work.file, encode_rejects(rows, answers, self._engine.contract.keys))
        content = encode_part(Output(self._setup.to), rows.carried, answers, self._column)
        if work.file is None:
            return msgspec.structs.replace(done, size=len(content))
        written = write_part(work.file, content)
        seconds = time.perf_counter() - began_s
        return msgspec.structs.replace(
            done, size=written.size, sha256=written.sha256, stamp=written.stamp, seconds=seconds
        )

    def _ask(self, rows: Rows, first_row: int) -> Answers:
        asked = [value for value in rows.values if not isinstance(value, RowError)]
        found = iter(self._engine.answer(asked))
        outcomes = [value if isinstance(value, RowError) else _outcome(next(found)) for value in rows.values]
        good = [None if isinstance(each, RowError) else each for each in outcomes]
        return Answers(
            first_row=first_row,
            results=[None if each is None else each.value for each in good],
            tokens=[None if each is None else each.num_tokens for each in good],
            truncated=[None if each is None else each.is_truncated for each in good],
            errors=[each if isinstance(each, RowError) else None for each in outcomes],
        )


def _outcome(answer: Any) -> Any:
    """The prediction, or the error as the server's object has it."""
    if isinstance(answer, Exception):
        status = getattr(answer, "status", 500)
        return RowError(code=status, type=type(answer).__name__, message=getattr(answer, "message", str(answer)))
    return answer


def _describe(errors: Sequence[RowError | None], place: int, first_row: int) -> str:
    error = errors[place]
    assert error is not None
    return f"row {first_row + place}: {error.type}: {error.message}"
