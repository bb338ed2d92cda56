"""Which HAProxy there is: the first on PATH, asked once, and taken where it is new enough."""

from pathlib import Path

import pytest

from berth.machine.haproxy import find_haproxy


def _install(folder: Path, said: str) -> Path:
    """Stands for an HAProxy that says this of itself, and counts how often it is asked."""
    program = folder / "haproxy"
    program.write_text(f"#!/bin/sh\necho asked >> {folder}/asked\necho '{said}'\n")
    program.chmod(0o755)
    return program


@pytest.mark.parametrize(
    ("said", "why_not"),
    [
        ("HAProxy version 2.6.12-1+deb12u2 2025/02/12", ""),
        ("HAProxy version 3.10.0", ""),
        ("HA-Proxy version 2.4.0", "is 2.4, older than 2.6"),
        ("hello", "is of an unknown version, older than 2.6"),
    ],
)
def test_it_is_asked_once_however_often_it_is_looked_for(tmp_path: Path, said: str, why_not: str) -> None:
    program = _install(tmp_path, said)
    expected = (None, f"{program} {why_not}") if why_not else (program, "")
    assert [find_haproxy(str(tmp_path)) for _ in range(2)] == [expected] * 2
    assert (tmp_path / "asked").read_text() == "asked\n"


def test_none_is_said_to_be_none(tmp_path: Path) -> None:
    assert find_haproxy(str(tmp_path)) == (None, "haproxy is not installed")
