"""Lines of a server's processes, as text and as JSON."""

import json
import os
import subprocess
import sys

import pytest

from berth.process.log_style import LineWriter, LogFormat, LogLevel, LogStyle

JAVA = "2026-11-28T18:24:17,985 ERROR epollEventLoopGroup-3-2 "
WORKER = "2026-11-28T18:24:17,985 INFO  W-9000-bert_1.0-stdout MODEL_LOG - "
LINES = {
    "berth: ready": ("berth", "info", "ready"),
    f"{JAVA}it failed": ("torchserve", "error", "it failed"),
    "2026-11-28T18:24:17,985 WARN  main slow": ("torchserve", "warning", "slow"),
    "2026-11-28T18:24:17,985 INFO  W-9000-bert_1.0-stdout loaded model=bert": (
        "W-9000-bert_1.0",
        "info",
        "loaded model=bert",
    ),
    "2026-11-28T18:24:17,985 INFO  W-9000-bert_1.0-stdout Traceback": ("W-9000-bert_1.0", "error", "Traceback"),
    "Killed": ("process", "info", "Killed"),
}


@pytest.mark.parametrize(("line", "expected"), LINES.items())
def test_a_line_is_an_object(line: str, expected: tuple[str, str, str]) -> None:
    written = json.loads(LineWriter(LogStyle(format=LogFormat.JSON)).write(line))
    assert (written["source"], written["level"], written["message"]) == expected


@pytest.mark.parametrize(("level", "number"), [("error", 2), ("warning", 3), ("info", 6), ("debug", 6)])
def test_lines_of_a_lower_level_are_left_out(level: str, number: int) -> None:
    style = LogStyle(level=LogLevel(level))
    written = [LineWriter(style).write(line) for line in LINES]
    assert len([line for line in written if line]) == number
    assert set(written) <= {*LINES, ""}


def test_a_stack_trace_has_the_level_of_its_first_line() -> None:
    writer = LineWriter(LogStyle(level=LogLevel.ERROR))
    assert [bool(writer.write(line)) for line in (f"{JAVA}it failed", "java.io.IOException: no", "\tat x.y")] == [
        True
    ] * 3
    assert not writer.write("berth: ready")
    assert not writer.write("a line after it")


def test_an_object_goes_on_as_it_is() -> None:
    assert LineWriter(LogStyle(format=LogFormat.JSON)).write('{"id":"1"}') == '{"id":"1"}'


@pytest.mark.parametrize(
    ("style", "has_lines"), [(("text", "debug"), False), (("json", "warning"), False), (("json", "info"), True)]
)
def test_requests_are_logged_as_json_from_info_on(style: tuple[str, str], has_lines: bool) -> None:
    chosen = LogStyle(format=LogFormat(style[0]), level=LogLevel(style[1]))
    assert LogStyle.read(chosen.environment) == chosen
    assert chosen.has_access_log is has_lines


def test_whatever_a_process_and_its_children_write_is_one_object_a_line() -> None:
    program = """
import subprocess, sys
from berth.console import say
from berth.process.log_style import *
with written_as(LogStyle(format=LogFormat.JSON)):
    say("one")
    subprocess.run([sys.executable, "-c", "import sys; sys.stderr.write('two\\\\n')"])
    sys.stderr.write("three")
sys.stderr.write("after")
"""
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    *objects, after = result.stderr.splitlines()
    assert [json.loads(line)["message"] for line in objects] == ["one", "two", "three"]
    assert after == "after"


def test_it_ends_well_where_nobody_reads_any_more() -> None:
    program = """
from berth.console import say
from berth.process.log_style import *
with written_as(LogStyle(format=LogFormat.JSON)):
    say("stopping")
"""
    ours, theirs = os.pipe()
    os.close(ours)
    with os.fdopen(theirs, "w") as unread:
        assert subprocess.run([sys.executable, "-c", program], stderr=unread, check=False).returncode == 0
