"""`python -m berth.health [PATH]` asks a running launcher, for exec probes and HEALTHCHECK: exit code 0 or 1."""

import os
import sys
from collections.abc import Sequence

from ..errors import BerthError
from .probe import probe


def main(arguments: Sequence[str]) -> int:
    """Ask once; on a no, write the reason to stderr. The exit code: 0 for yes, 1 for no."""
    path = arguments[0] if arguments else "/ready"
    try:
        reason = probe(path, os.environ)
    except BerthError as error:
        reason = str(error)
    if reason is not None:
        sys.stderr.write(f"{path}: {reason}\n")
    return 0 if reason is None else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
