"""What `berth --help` and each command's `--help` say: whole lines, and a word for every option."""

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
