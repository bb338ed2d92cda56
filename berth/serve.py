"""`berth serve`: the fork server first, because its imports take longest; the launcher's own go on beside them."""

import os
from collections.abc import Sequence
from pathlib import Path

from .forking import SOCKET
from .run_folder import run_folder
from .server_process import fork_server
from .signals import stop_signals
from .worker_environment import server_environment


def serve_archives(archives: Sequence[Path], config: Path | None, memory: str | None, drain_s: float) -> int:
    """Serve until SIGTERM or Ctrl-C, then answer for up to `drain_s` seconds what was accepted.

    `memory`: how much it may take, instead of what the machine grants. The exit code: 0 after a clean stop, 130 after
    a forced one.
    """
    with (
        stop_signals() as signals,
        run_folder() as folder,
        fork_server(folder, folder / SOCKET, server_environment(os.environ, folder)),
    ):
        from .health import listen  # noqa: PLC0415
        from .launch import prepare, run  # noqa: PLC0415

        with listen(os.environ) as health:
            plan = prepare(archives, config, memory)
            signals.hold()
            return run(plan, folder, signals, health, drain_s)
