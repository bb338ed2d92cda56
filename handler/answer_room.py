"""What the answers of a batch may take together."""

from .config import MAX_ANSWER_BYTES_PER_BATCH, SMALL_ANSWER_BYTES

NO_ROOM = (
    "the answers of the requests that came together are too large together: try again, or send fewer inputs at once"
)


class AnswerRoom:
    """One batch's. A small answer always has room."""

    def __init__(self) -> None:
        self._left_bytes = MAX_ANSWER_BYTES_PER_BATCH

    def take(self, num_bytes: int) -> bool:
        """Whether there is room, which is taken then."""
        if num_bytes > max(self._left_bytes, SMALL_ANSWER_BYTES):
            return False
        self._left_bytes -= num_bytes
        return True
