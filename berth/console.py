"""What berth tells people beside its results: lines on stderr."""

import sys


def say(line: str) -> None:
    """Write one line, marked as berth's own."""
    sys.stderr.write(f"berth: {line}\n")
