"""`berth serve`: the fork server first, because its imports take longest; the launcher's own go on beside them."""

import os
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

from ..process.run_folder import run_folder
from ..process.signals import stop_signals
from .forks import started_fork_server, why_not_forked


def serve_archives(archives: Sequence[Path], config: Path | None, memory: str | None, drain_s: float) -> int:
    """Serve until SIGTERM or Ctrl-C, then answer for up to `drain_s` seconds what was accepted.

    `memory`: how much it may take, instead of what the machine grants. The exit code: 0 after a clean stop, 130 after
    a forced one.
    """
    reason = why_not_forked(os.environ)
    with (
        stop_signals() as signals,
        run_folder() as folder,
        nullcontext() if reason else started_fork_server(folder, os.environ) as forks,
    ):
        from ..health.server import listen  # noqa: PLC0415
        from .prepare import prepare  # noqa: PLC0415
        from .run import run  # noqa: PLC0415

        with listen(os.environ) as health:
            plan = prepare(archives, config, memory, drain_s, reason)
            signals.hold()
            return run(plan, folder, signals, health, forks)
