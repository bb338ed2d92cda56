"""What the launcher says, a line at a time, on stderr."""

import sys


def say(line: str) -> None:
    sys.stderr.write(f"berth: {line}\n")
