"""A handler that takes as long as a BERT-base on two cores, by sleeping: its times are the same on a busy machine.

It travels alone: it imports neither berth nor handler.
"""

import time
from typing import Any

ONCE_S, EACH_S = 0.07, 0.03
ANSWER = b'{"status": "ok"}'  # to the launcher's ready check too, which waits a tenth of a second for it


class TimedHandler:
    """The handler: TorchServe makes one per worker, calls `initialize` once, then `handle` with one batch at a time."""

    def initialize(self, _context: Any) -> None:
        """Nothing to load."""

    def handle(self, data: list[Any], _context: Any) -> list[bytes]:
        """Answer the batch when its time is over."""
        time.sleep(ONCE_S + EACH_S * len(data))
        return [ANSWER] * len(data)
