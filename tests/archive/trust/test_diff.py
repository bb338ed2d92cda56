"""`berth diff` of two archives: which members, which facts, and the exit code."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from berth.archive.content import MANIFEST
from berth.archive.verify import content_id, read_archive
from berth.cli.app import app
from berth.errors import Refused

from .conftest import CONFIG


def _diff(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["diff", *map(str, arguments)])


def test_an_archive_and_its_folder_hold_the_same(signed, tmp_path, monkeypatch):
    monkeypatch.setattr("berth.cli.packing.wants_json", lambda as_json: as_json)
    (tmp_path / "tiny").mkdir()
    read_archive(signed, tmp_path / "tiny")
    ran = _diff(signed, tmp_path / "tiny")
    assert (ran.exit_code, ran.output) == (0, f"same content: {content_id(signed)}\n")


def test_what_differs_is_all_that_is_said(signed, second):
    ran = _diff(signed, second, "--json")
    found = json.loads(ran.output)
    assert (ran.exit_code, found["same"]) == (1, False)
    assert found["contents"] == [content_id(signed), content_id(second)]
    assert list(found["added"]) == ["extra/notes.txt"]
    assert found["added"]["extra/notes.txt"]["size_bytes"] == 3
    assert list(found["removed"]) == ["handler/explain/__init__.py"]
    assert list(found["changed"]) == [MANIFEST, CONFIG]
    assert found["facts"]["version"] == ["1.0", "2.0"]
    assert found["facts"]["labels"][1] == ["negative", "undecided", "positive"]
    assert set(found["facts"]) == {"version", "labels", "content_bytes"}


def test_people_see_a_table(signed, second, monkeypatch):
    monkeypatch.setattr("berth.cli.packing.wants_json", lambda as_json: as_json)
    monkeypatch.setenv("COLUMNS", "200")
    ran = _diff(signed, second)
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in ran.output.splitlines() if "│" in line]
    assert ran.output.startswith(f"different contents: {content_id(signed)} and {content_id(second)}\n")
    assert ["fact", "version", "1.0", "2.0"] in rows
    assert ["added", "extra/notes.txt", ""] in [row[:3] for row in rows]


@pytest.mark.parametrize("side", [0, 1])
def test_what_is_not_an_archive_is_refused(signed, tmp_path, side):
    altered = Path(shutil.copy(signed, tmp_path / "altered.mar"))
    altered.write_bytes(altered.read_bytes()[:-1])
    for other in (altered, tmp_path / "absent.mar"):
        ran = _diff(*((signed, other) if side else (other, signed)))
        assert isinstance(ran.exception, Refused)
        assert ran.exception.exit_code == 4
