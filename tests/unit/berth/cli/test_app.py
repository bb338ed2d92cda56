"""What `berth --help` and each command's `--help` say: whole lines, and a word for every option."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from berth.cli.app import app

COMMANDS = sorted(command.callback.__name__ for command in app.registered_commands if command.callback)


def shown(*arguments: str) -> str:
    result = CliRunner().invoke(app, [*arguments, "--help"], env={"COLUMNS": "80"})
    assert result.exit_code == 0
    return result.stdout


def test_every_command_has_one_whole_line() -> None:
    (_, listed) = shown().split("Commands:\n")
    lines = [line.split(maxsplit=1) for line in listed.splitlines()]
    assert sorted(name for name, _ in lines) == COMMANDS
    assert [summary for _, summary in lines if not summary.endswith(".") or summary.endswith("...")] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_explained(name: str) -> None:
    group: Any = typer.main.get_command(app)
    parameters = group.commands[name].params
    assert parameters
    assert [each.name for each in parameters if not getattr(each, "help", None)] == []


def test_a_handler_of_a_torchserve_project_is_named(tmp_path: Path) -> None:
    (tmp_path / "handler.py").write_text("raise SystemExit('it was imported')\n")
    command = [sys.executable, "-m", "berth", "--help"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"berth: {tmp_path}/handler.py hides the package `handler`, which is berth's: run `berth`")
    assert done.returncode == 2


def test_a_full_disk_is_said_in_a_sentence() -> None:
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "berth", "--help"]
        ran = subprocess.run(command, check=False, stdout=full, stderr=subprocess.PIPE, text=True)
    assert (ran.returncode, ran.stderr.count("\n")) == (1, 1)
    assert "the disk is full" in ran.stderr
