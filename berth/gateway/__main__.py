"""`python -m berth.gateway SETTINGS`: the gateway, which the launcher starts."""

import asyncio
import sys
from collections.abc import Sequence

from ..console import say
from ..errors import UsageError
from .run import run
from .settings import GatewaySettings


def main(arguments: Sequence[str]) -> int:
    """Serve until a signal; the exit code."""
    try:
        settings = GatewaySettings.read(arguments)
    except UsageError as error:
        say(str(error))
        return error.exit_code
    asyncio.run(run(settings))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
