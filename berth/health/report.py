"""What the launcher lets others know of its server: health for probes, capacity for `berth scale`.

Standard library only.
"""

from collections.abc import Callable
from dataclasses import dataclass

from ..clients.launcher import Capacity


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
class Report:
    """All that is known at one time. It never changes: HealthServer.publish replaces it."""

    health: Callable[[], Health] = lambda: STARTING
    """Asked for each probe: that nobody has looked for long is news too."""
    capacity: Capacity | None = None
    """None until java is sized."""
    metrics: Callable[[], str] | None = None
    """The launcher's numbers as Prometheus reads them; None until java starts."""
