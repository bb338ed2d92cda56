"""`berth serve`: the fork server starts first, for its imports take longest; the launcher's own go on beside them."""

import os
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

from .access import NO_WISH, Wish
from .platforms import require_served


def serve_archives(
    archives: Sequence[Path], config: Path | None, memory: str | None, drain_s: float, wish: Wish = NO_WISH
) -> int:
    """Serve until SIGTERM or Ctrl-C, then answer for up to `drain_s` seconds what was accepted.

    `memory`: how much it may take, instead of what the machine grants. `wish`: without the API keys, which are taken
    from the environment. The exit code: 0 after a clean stop, 130 after a forced one.
    """
    require_served(sys.platform)
    from ..front.keys import KeySource  # noqa: PLC0415 - so that other systems are told first
    from ..machine.forking import why_not_forked  # noqa: PLC0415 - what follows needs Linux
    from ..machine.limits import memory_limit  # noqa: PLC0415
    from ..process.run_folder import run_folder  # noqa: PLC0415
    from ..process.signals import stop_signals  # noqa: PLC0415
    from .forks import started_fork_server  # noqa: PLC0415

    wish = replace(wish, keys=KeySource.take(os.environ))
    not_forked = why_not_forked(memory_limit())
    with (
        stop_signals() as signals,
        run_folder() as folder,
        nullcontext() if not_forked else started_fork_server(folder, os.environ) as forks,
    ):
        from ..health.server import listen  # noqa: PLC0415
        from .ports import require_free_ports  # noqa: PLC0415
        from .prepare import prepare_server  # noqa: PLC0415
        from .rollout.changing import read_asked  # noqa: PLC0415
        from .run import run_server  # noqa: PLC0415
        from .server import running_server  # noqa: PLC0415

        asked = read_asked(archives, config, memory, wish)
        require_free_ports(asked.request.settings.endpoints, os.environ)
        with listen(os.environ) as health, health.serving():  # probes are answered while archives are unpacked
            plan = prepare_server(asked.request, drain_s, not_forked, signals.check)
            signals.hold()
            with running_server(plan, folder, health, forks) as server:
                return run_server(server, signals, asked)
