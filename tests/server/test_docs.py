"""The commands of docs/api.md and README.md are run as they stand, against a real server."""

import json
import os
import shlex
import subprocess
from pathlib import Path

import pytest

from berth.tune.ports import port_variables
from tests.support.servers import BERTH, Server

pytestmark = pytest.mark.server

ROOT = Path(__file__).parents[2]
LINES = [line for name in ("docs/api.md", "README.md") for line in (ROOT / name).read_text("utf-8").splitlines()]
CURL = [line.strip() for line in LINES if line.startswith("    curl ")]
PREDICT = [line.strip() for line in LINES if line.startswith("    .venv/bin/berth predict ")]


@pytest.mark.parametrize("command", CURL)
def test_documented_request_is_answered(answering_server: Server, command: str) -> None:
    here = command.replace("http://127.0.0.1:8080", answering_server.inference_url).replace("my-classifier", "tiny")
    ran = subprocess.run([*shlex.split(here), "-s", "-f", "--noproxy", "*"], capture_output=True, check=True)
    assert json.loads(ran.stdout)


@pytest.mark.parametrize("command", PREDICT)
def test_documented_prediction_is_answered(sample_server: Server, command: str) -> None:
    ran = subprocess.run(
        [BERTH, *shlex.split(command)[1:]],
        env={**os.environ, **port_variables(sample_server.ports)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=True,
    )
    assert json.loads(ran.stdout)


def test_there_are_commands() -> None:
    assert len(CURL) >= 7
    assert len(PREDICT) >= 1
