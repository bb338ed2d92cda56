"""How long a start took, and which part of it how long, for the log."""

import contextlib
import time
from dataclasses import dataclass

import psutil


@dataclass(frozen=True, slots=True, kw_only=True)
class StartSplit:
    """The three parts of a start, one after the other."""

    checks_s: float
    """From the start of berth's process to that of java's: all that is verified, and unpacked the first time."""
    java_s: float
    """From the start of java's process to that of its first worker's."""
    workers_s: float
    """From there until every model had given its known answer; a worker's log says how long load and self-test took."""

    def __str__(self) -> str:
        parts_s = {"checks": self.checks_s, "Java": self.java_s, "workers": self.workers_s}
        parts = ", ".join(f"{name} {seconds:.2f}" for name, seconds in parts_s.items())
        return f"started in {sum(parts_s.values()):.2f} s: {parts}"


class StartClock:
    """Measures a start; to be made right after java was started."""

    def __init__(self, java: int) -> None:
        self._began_s = time.monotonic()
        self._java = psutil.Process(java)

    def split(self) -> StartSplit:
        """Split the time until now.

        The kernel's times for processes are exact beside each other, but may be a second off beside a clock.
        """
        passed_s = time.monotonic() - self._began_s
        java_s = first_worker_s = self._java.create_time()
        with contextlib.suppress(psutil.NoSuchProcess):  # it has just ended
            first_worker_s = min((child.create_time() for child in self._java.children()), default=java_s)
        return StartSplit(
            checks_s=java_s - psutil.Process().create_time(),
            java_s=first_worker_s - java_s,
            workers_s=passed_s - (first_worker_s - java_s),
        )
