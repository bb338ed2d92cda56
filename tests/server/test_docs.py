"""The commands of docs/api.md are run as they stand, against a real server."""

import json
import shlex
import subprocess
from pathlib import Path

import pytest

from .servers import Server

pytestmark = pytest.mark.server

API = Path(__file__).parents[2] / "docs" / "api.md"
COMMANDS = [line.strip() for line in API.read_text("utf-8").splitlines() if line.startswith("    curl ")]


@pytest.mark.parametrize("command", COMMANDS)
def test_documented_command_is_answered(answering_server: Server, command: str) -> None:
    here = command.replace("http://127.0.0.1:8080", answering_server.inference_url)
    ran = subprocess.run([*shlex.split(here), "-s", "--noproxy", "*"], capture_output=True, check=True)
    assert json.loads(ran.stdout)


def test_there_are_commands() -> None:
    assert len(COMMANDS) >= 6
