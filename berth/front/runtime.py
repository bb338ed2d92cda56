"""HAProxy's runtime API, on its own socket in the run folder (management.txt, section 9.3)."""

import socket
from pathlib import Path

from ..errors import BerthError

ASK_S = 5.0
ENTRIES_AT_ONCE = 80  # of up to 140 bytes; a command has at most 16 KiB


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


def replace_map(runtime: Path, path: Path, content: str) -> None:
    """Put other entries into a map, all at one moment; BerthError where HAProxy refuses."""
    version = ask(runtime, f"prepare map {path}").rpartition(" ")[2]
    lines = content.splitlines(keepends=True)
    for first in range(0, len(lines), ENTRIES_AT_ONCE):
        entries = "".join(lines[first : first + ENTRIES_AT_ONCE])
        _require_done(ask(runtime, f"add map @{version} {path} <<\n{entries}"))
    _require_done(ask(runtime, f"commit map @{version} {path}"))


def limit_server(runtime: Path, server: str, requests: int) -> None:
    """Let a server (BACKEND/NAME) have so many requests at once; what it has beyond stays. BerthError if refused."""
    _require_done(ask(runtime, f"set maxconn server {server} {requests}"))


def replace_certificate(runtime: Path, path: Path, content: str) -> None:
    """Give new connections another certificate and key, PEM; BerthError where HAProxy refuses them."""
    _require_done(ask(runtime, f"set ssl cert {path} <<\n{content}"), "Transaction")
    _require_done(ask(runtime, f"commit ssl cert {path}"), "Success")


def _require_done(answer: str, word: str = "") -> None:
    """Raise BerthError for an answer without this word; without a word, for any answer but an empty one."""
    if word not in answer or (answer and not word):
        raise BerthError(f"the front refuses them: {answer}")
