"""A handler that does nothing: it answers with ready bytes, so many as the request's header x-answer-bytes says.

What is left is TorchServe's frontend, its sockets, and the worker's loop: no handler behind them can be faster.
It travels alone: it imports neither berth nor handler.
"""

from functools import cache
from typing import Any

SIZE_HEADER = "x-answer-bytes"
READY = b'{"status": "ok"}'  # to the launcher's ready check, which sends no such header


class NothingHandler:
    """The handler: TorchServe makes one per worker, calls `initialize` once, then `handle` with one batch at a time."""

    def initialize(self, _context: Any) -> None:
        """Nothing to load."""

    def handle(self, data: list[Any], context: Any) -> list[bytes]:
        """Answer each request with as many bytes as it asks for."""
        return [ready_bytes(context.get_all_request_header(place).get(SIZE_HEADER)) for place in range(len(data))]


@cache
def ready_bytes(size: str | None) -> bytes:
    """A body of this size."""
    return READY if size is None else bytes(int(size))
