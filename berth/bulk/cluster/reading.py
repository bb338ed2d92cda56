"""The first stage: a task for each gap reads its file, claim by claim, on whatever node it runs.

A task that is run again, because its node died, reads the same claims. Files are read ahead by READERS tasks; what they
have read waits in the object store, within the budget that Ray Data gives them.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import ray
from ray.data import Datasource, ReadTask
from ray.data.block import BlockMetadata

from ...errors import BerthError
from ..claims import Gap
from ..columns import Reader
from ..messages import Failed
from .items import Item, to_table

READERS = 2
"""One reads what is answered, one the file behind it."""
UNKNOWN = BlockMetadata(num_rows=None, size_bytes=None, input_files=None, exec_stats=None)


class ClaimSource(Datasource):  # type: ignore[misc]  # of a package without types
    """All claims of some gaps, in order."""

    def __init__(self, gaps: Sequence[Gap], reader: Any) -> None:
        """`reader`: Ray's reference to a Reader."""
        self._gaps, self._reader = gaps, reader

    def estimate_inmemory_data_size(self) -> None:
        """Not known before it is read."""

    def get_read_tasks(self, *_: Any, **__: Any) -> list[Callable[[], Any]]:
        """A task for each gap, whatever parallelism Ray wishes."""
        return [ReadTask(partial(_read, self._reader, gap), UNKNOWN) for gap in self._gaps]


def _read(reference: Any, gap: Gap) -> Iterator[Any]:
    """Each claim as a block of its own; what is wrong with the file comes behind those before it."""
    reader: Reader = ray.get(reference)
    try:
        for placed, work in reader.read(gap):
            yield to_table(Item(placed=placed, work=work))
    except BerthError as error:
        yield to_table(Item(failed=Failed(message=str(error), exit_code=error.exit_code)))
