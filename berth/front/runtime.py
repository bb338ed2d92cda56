"""HAProxy's runtime API, on its own socket in the run folder."""

import socket
from pathlib import Path

from ..errors import BerthError

ASK_S = 5.0


def ask(path: Path, command: str) -> str:
    """Send one command and return the answer; BerthError where nobody answers within ASK_S seconds."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(ASK_S)
            connection.connect(str(path))
            connection.sendall(f"{command}\n".encode())
            with connection.makefile("r", encoding="utf-8", errors="replace") as answer:
                return answer.read().strip()
    except OSError as error:
        raise BerthError(f"the front does not answer at {path}: {error}") from error
