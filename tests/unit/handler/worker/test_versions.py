"""Ranges bind, exact versions warn."""

from importlib.metadata import version
from pathlib import Path

import pytest

from handler.errors import VersionError
from handler.worker.versions import check_versions


@pytest.fixture
def requirements(tmp_path: Path) -> Path:
    path = tmp_path / "requirements.txt"
    path.write_text("msgspec==0.0.1\n")
    return path


def test_another_version_within_the_range_only_warns(requirements: Path, caplog: pytest.LogCaptureFixture) -> None:
    check_versions(["msgspec>=0.1"], requirements)
    assert f"installed={version('msgspec')} packed=msgspec==0.0.1" in caplog.text


@pytest.mark.parametrize("line", ["msgspec<0.1", "no-such-package>=1"])
def test_outside_the_range_is_refused(requirements: Path, line: str) -> None:
    with pytest.raises(VersionError, match=line.split("<", maxsplit=1)[0].split(">", maxsplit=1)[0]):
        check_versions([line], requirements)
