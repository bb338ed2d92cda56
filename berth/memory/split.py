"""How a server of one model divides a machine: `berth tune` tries it, `serve` and `budget` plan with it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """A number of workers, of threads for each, and the tokens of their forward passes; all 1 or more."""

    workers: int
    threads: int
    """Of each worker; on a GPU those that tokenise."""
    token_budget: int
    """Most tokens that one forward pass has."""

    def __str__(self) -> str:
        workers = f"{self.workers} worker{'s' * (self.workers > 1)}"
        return f"{workers} x {self.threads} thread{'s' * (self.threads > 1)}, {self.token_budget} tokens a pass"
