"""How many bytes the answers of a batch may take together."""

from .config import MAX_ANSWER_BYTES_PER_BATCH, SMALL_ANSWER_BYTES

NO_ROOM = (
    "the answers of the requests that came together are too large together: try again, or send fewer inputs at once"
)


class AnswerRoom:
    """The room for one batch's answers. A small answer always fits."""

    def __init__(self) -> None:
        self._left_bytes = MAX_ANSWER_BYTES_PER_BATCH

    def take(self, num_bytes: int) -> bool:
        """Take the room and return True, or return False where there is too little left."""
        if num_bytes > max(self._left_bytes, SMALL_ANSWER_BYTES):
            return False
        self._left_bytes -= num_bytes
        return True
