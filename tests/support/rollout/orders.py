"""Orders given to a server by the command, and what it says of them."""

import json
import os
import subprocess
from typing import Any

import requests

from ..servers import BERTH, Server

LIMIT_S = 240.0


def environment(server: Server) -> dict[str, str]:
    """Where the commands find this server."""
    address = server.health_url.removeprefix("http://")
    return {**os.environ, "BERTH_HEALTH_ADDRESS": address, "XDG_CACHE_HOME": str(server.temp.parent / "cache")}


def start(server: Server, *arguments: object) -> subprocess.Popen[str]:
    command = [str(argument) for argument in (BERTH, *arguments, "--json")]
    return subprocess.Popen(
        command, env=environment(server), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def wait_for_step(process: subprocess.Popen[str], step: str) -> None:
    assert process.stdout is not None
    assert any(f'"step": "{step}"' in line for line in iter(process.stdout.readline, "")), f"it never {step}"


def finish(process: subprocess.Popen[str]) -> tuple[int, dict[str, dict[str, Any]]]:
    """The exit code and the last event of each step."""
    output, _ = process.communicate(timeout=LIMIT_S)
    events = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    assert events, output
    return process.returncode, {event["step"]: event for event in events}


def order(server: Server, *arguments: object) -> dict[str, dict[str, Any]]:
    """Give an order that succeeds."""
    code, steps = finish(start(server, *arguments))
    assert code == 0, (steps, server.log)
    return steps


def answer(server: Server, path: str = "bert", text: str = "is it you?") -> str:
    """The version that answers at /predictions/PATH, or the status of what does not."""
    got = requests.post(f"{server.inference_url}/predictions/{path}", json={"inputs": text}, timeout=60)
    return str(got.json()["label"]) if got.ok else str(got.status_code)
