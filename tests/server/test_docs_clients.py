"""The examples of docs/clients.md, and api.md's in Python, are run as they stand, against a real server."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.json_format import Parse
from google.protobuf.message_factory import GetMessageClass

from berth.clients.grpc_client import DESCRIPTOR_SET, GrpcClient, _load_services
from berth.settings import Settings
from berth.tune.ports import port_variables
from tests.support.servers import CONFIG, Server

pytestmark = pytest.mark.server

ROOT = Path(__file__).parents[2]
CLASSIFIER = "my-classifier"
OTHERS = re.compile(r"^## Other people's clients$.*?(?=^## )", re.MULTILINE | re.DOTALL)  # tests/clients runs them
CLIENTS, API = (
    re.findall(r"(?:^(?:    .*)?\n)+", OTHERS.sub("", (ROOT / "docs" / name).read_text("utf-8")), re.MULTILINE)
    for name in ("clients.md", "api.md")
)
PYTHON = [block for block in [*CLIENTS, *API] if block.strip().startswith(("from ", "import "))]
COMMANDS = [line.strip() for block in CLIENTS if block not in PYTHON for line in block.splitlines()]
CURL = [line for line in COMMANDS if line.startswith("curl ")]
GRPCURL = [line for line in COMMANDS if line.startswith("grpcurl ")]
(ASSIGNMENT,) = [line.replace(".venv/bin/python", sys.executable) for line in COMMANDS if line.startswith("PROTOSET=")]


def at(server: Server, example: str) -> str:
    """The example with this server's ports for those of config.properties."""
    for name in ("inference", "management", "grpc_inference", "grpc_management"):
        endpoint = getattr(Settings.load(CONFIG, {}), name)
        example = example.replace(f"{endpoint.host}:{endpoint.port}", f"{endpoint.host}:{server.ports[name]}")
    return example


@pytest.mark.parametrize("block", [block for block in PYTHON if CLASSIFIER in block])
def test_python_of_a_classifier(answering_server: Server, block: str) -> None:
    run(answering_server, block.replace(CLASSIFIER, "tiny"))


@pytest.mark.parametrize("block", [block for block in PYTHON if CLASSIFIER not in block])
def test_python(sample_server: Server, block: str) -> None:
    run(sample_server, block)


def run(server: Server, block: str) -> None:
    """Run a block where the server has its ports."""
    program = at(server, "".join(line[4:] or "\n" for line in block.splitlines(keepends=True)))
    environment = {**os.environ, **port_variables(server.ports)}
    command = [sys.executable, "-W", "error", "-c", program]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("command", CURL)
def test_curl(answering_server: Server, command: str) -> None:
    subprocess.run([*shlex.split(at(answering_server, command)), "-sS", "--noproxy", "*"], check=True)


@pytest.mark.parametrize("command", GRPCURL)
def test_grpcurl_asks_for_what_there_is(answering_server: Server, command: str) -> None:
    """The same call without the tool, its JSON read by the services of its -protoset."""
    *options, address, method = shlex.split(at(answering_server, command))
    assert options[1:4] == ["-plaintext", "-protoset", "$PROTOSET"]
    name = method.replace("/", ".")
    with GrpcClient(address) as client:
        assert list(client.call(name, **fields(name, options[5] if "-d" in options else "{}")))


@pytest.mark.skipif(shutil.which("grpcurl") is None, reason="no grpcurl: put its release's binary on PATH")
@pytest.mark.parametrize("command", GRPCURL)
def test_grpcurl(answering_server: Server, command: str) -> None:
    subprocess.run(["bash", "-euc", at(answering_server, f"{ASSIGNMENT}\n{command}")], check=True)


def fields(method: str, json: str) -> dict[str, Any]:
    """The fields of a method's request, as grpcurl reads its -d."""
    request = GetMessageClass(_load_services().FindMethodByName(method).input_type)
    return {field.name: value for field, value in Parse(json, request()).ListFields()}


def test_the_descriptor_set_is_where_the_command_says() -> None:
    ran = subprocess.run(
        ["bash", "-euc", f'{ASSIGNMENT}\necho "$PROTOSET"'], capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == str(DESCRIPTOR_SET)


def test_every_kind_of_example_was_found() -> None:
    assert (len(PYTHON), len(CURL), len(GRPCURL)) == (13, 3, 3)
