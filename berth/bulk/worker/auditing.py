"""A claim -> how much of it the model would read."""

import hashlib
from collections import Counter
from typing import Any

import msgspec

from ..messages import Audited, RowError, Work
from .rows import read_rows

DIGEST_BYTES = 8


class Auditing:
    """What a worker of `berth audit` does with a claim."""

    def __init__(self, reader: Any) -> None:
        """`reader`: handler.bulk.reading.RowReader of the archive."""
        self._reader = reader

    def answer(self, work: Work) -> Audited:
        """Read the rows, answer none."""
        values = read_rows(work).values
        unreadable = [value for value in values if isinstance(value, RowError)]
        found = self._reader.read([value for value in values if not isinstance(value, RowError)])
        good = [each for each in found if not isinstance(each, Exception)]
        refused = [type(each).__name__ for each in found if isinstance(each, Exception)]
        return Audited(
            number=work.number,
            rows=work.rows,
            lengths=dict(sorted(Counter(each.num_tokens_uncut for each in good).items())),
            read=sum(each.num_tokens for each in good),
            cut=sum(each.num_tokens_uncut > each.num_tokens for each in good),
            unknown=sum(each.num_unknown for each in good),
            errors=dict(sorted(Counter([*refused, *(each.type for each in unreadable)]).items())),
            digests=b"".join(map(_digest, values)),
        )


def _digest(value: object) -> bytes:
    return hashlib.blake2b(msgspec.json.encode(value), digest_size=DIGEST_BYTES).digest()
