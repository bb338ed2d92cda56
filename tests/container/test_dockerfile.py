"""hadolint has nothing to say about the Dockerfile."""

import subprocess
import sys
from pathlib import Path

from .conftest import ROOT


def hadolint(path: Path) -> str:
    ran = subprocess.run(
        [Path(sys.executable).with_name("hadolint"), path], capture_output=True, text=True, check=False
    )
    return ran.stdout


def test_hadolint_is_content() -> None:
    assert hadolint(ROOT / "Dockerfile") == ""


def test_hadolint_would_say_so(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM debian:latest\nRUN apt-get install python3\n")
    assert "DL3007" in hadolint(tmp_path / "Dockerfile")
