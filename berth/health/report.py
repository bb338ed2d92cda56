"""What the launcher lets others know of its server: health for probes, capacity for `berth scale`.

Standard library only.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """For each question why the answer is no; None where it is yes."""

    startup: str | None = None
    """Yes once every model has given a known answer, and from then on."""
    live: str | None = None
    """No: only a restart helps."""
    ready: str | None = None
    """No: a request sent now would not be answered."""


STARTING = Health(startup="no model has given its known answer yet", ready="the models are loading")
STOPPING = Health(ready="berth is stopping")  # nobody looks at the models any more


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """How many workers a server has room for."""

    management: str
    """The server's management address: whoever asks may mean another server."""
    models: tuple[str, ...]
    max_workers: int
    """Workers that each model may have."""
    reason: str
    """Why not more, for a sentence."""

    @classmethod
    def from_json(cls, answer: Any) -> Self:
        """Read what a launcher answers; KeyError, TypeError or ValueError when it is something else."""
        return cls(
            management=str(answer["management"]),
            models=tuple(answer["models"]),
            max_workers=int(answer["max_workers"]),
            reason=str(answer["reason"]),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All that is known at one time. It never changes: HealthServer.publish replaces it."""

    health: Callable[[], Health] = lambda: STARTING
    """Asked for each probe: that nobody has looked for long is news too."""
    capacity: Capacity | None = None
    """None until java is sized."""
