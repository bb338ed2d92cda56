"""docs/tutorial.md is followed as it stands, against a real server, up to where it needs a container."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from berth.tune.ports import port_variables
from tests.support.intents import Trained
from tests.support.servers import CONFIG, Server, running_server

pytestmark = pytest.mark.server

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "tutorial.md").read_text("utf-8")
# A block of code under a comment that says whether it is run; what it prints may follow.
BLOCK = re.compile(r"<!-- (.+) -->\n```(sh|python)\n((?:.*\n)*?)```\n(?:\n```json\n((?:.*\n)*?)```\n)?")
BLOCKS = [match.groups(default="") for match in BLOCK.finditer(PAGE)]
MARKS = [mark for mark, *_ in BLOCKS]
PORTS = {8080: "inference", 8082: "metrics", 8090: "health"}
# The commands as the page has them, at this server's ports; a refusal is a failure.
FUNCTIONS = """set -euo pipefail
curl() { command curl --silent --show-error --fail --noproxy '*' "$@"; }
berth() {
  case $1 in
    predict) command berth "$@" --url "$TS_INFERENCE_ADDRESS" ;;
    models | describe | scale) command berth "$@" --url "$TS_MANAGEMENT_ADDRESS" ;;
    *) command berth "$@" ;;
  esac
}
"""


def labels(printed: str) -> list[str]:
    return re.findall(r"""['"]?label['"]?[:=] ?['"](\w+)""", printed)


def at(server: Server, code: str) -> str:
    """The block with this server's ports for those of config.properties."""
    for port, name in PORTS.items():
        code = code.replace(f"127.0.0.1:{port}", f"127.0.0.1:{server.ports[name]}")
    return code


def run(language: str, code: str, folder: Path, server: Server | None = None) -> str:
    """What the block prints; it must not fail."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, **(port_variables(server.ports) if server else {})}
    code = at(server, code) if server else code
    command = ["bash", "-c", FUNCTIONS + code] if language == "sh" else [sys.executable, "-W", "error", "-c", code]
    ran = subprocess.run(
        command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, f"{code}\n{ran.stdout}\n{ran.stderr}"
    return ran.stdout


def test_every_block_says_whether_it_is_run() -> None:
    assert len(BLOCKS) == len(re.findall(r"^```(?:sh|python)$", PAGE, re.MULTILINE))
    assert [mark for mark in MARKS if mark not in ("run", "serve") and not mark.startswith("not run: ")] == []
    assert MARKS.count("run") >= 9


def test_tutorial_is_followed(intents: Trained, tmp_path: Path) -> None:
    (tmp_path / "intents").symlink_to(intents.folder)  # step 1
    (tmp_path / "config.properties").symlink_to(CONFIG)
    start = MARKS.index("serve")
    for mark, language, code, _ in BLOCKS[:start]:
        if mark == "run":
            run(language, code, tmp_path)
    serve, archive = BLOCKS[start][2].rsplit(maxsplit=1)
    assert serve == "berth serve"
    with running_server([tmp_path / archive]) as server:
        for mark, language, code, shown in BLOCKS[start:]:
            if mark == "run":
                printed = run(language, code, tmp_path, server)
                assert not shown or labels(printed) == labels(shown)
