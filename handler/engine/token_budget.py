"""How many tokens a forward pass may have, after memory ran out and while it comes back. No clock, no device."""

DOUBLES_EVERY_S = 30.0  # one halving is over after this long; a probe in vain costs one failed forward pass


class TokenBudget:
    """The limit, or less for a while: what is taken away comes back by itself, because its reason may be gone."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._shrunk_to = limit
        self._shrunk_at_s = 0.0

    def at(self, now_s: float) -> int:
        """Tokens that a forward pass may have now. A text alone may have more: no packing makes it smaller."""
        doublings = int((now_s - self._shrunk_at_s) // DOUBLES_EVERY_S)
        return min(self._limit, self._shrunk_to << min(doublings, self._limit.bit_length()))

    def shrink(self, cost: int, now_s: float) -> None:
        """Half of what did not fit, which is a whole budget or less: its texts are parted at the next try."""
        self._shrunk_to = max(1, cost // 2)
        self._shrunk_at_s = now_s
