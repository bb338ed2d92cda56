"""The table's short form: every kind that files alone refuse, and one that is served. `make folders` tries them all."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from .kind import Kind
from .kinds import every_kind
from .kinds.plain import KINDS as PLAIN
from .row import make_row

KINDS = every_kind()
REFUSED_BY_FILES = [kind for kind in KINDS if kind.expected is None and kind.from_files]
# Calls the command for each address, and says what each refusal was and whether torch was needed for any of them.
PROGRAM = """
import json, sys
from berth.cli.app import app
from berth.errors import Refused

said = []
for arguments in json.load(sys.stdin):
    try:
        app(["pack", *arguments], standalone_mode=False)
        said.append("it was packed")
    except Refused as refused:
        said.append(" ".join(str(refused).split()))
print(json.dumps({"said": said, "imported_torch": "torch" in sys.modules}))
"""


def test_a_kind_is_served_or_refused_and_has_a_name_of_its_own():
    assert all(bool(kind.expected) != bool(kind.sentence) for kind in KINDS)
    assert len({kind.name for kind in KINDS}) == len(KINDS)


@pytest.mark.parametrize("kind", PLAIN, ids=lambda kind: kind.name)
def test_a_kind_is_what_its_row_promises(kind: Kind, tmp_path: Path):
    assert make_row(kind, tmp_path).wrong == ""


def test_files_alone_refuse_in_one_sentence_without_torch(tmp_path):
    calls = []
    for number, kind in enumerate(REFUSED_BY_FILES):
        folder = tmp_path / str(number) / "model"
        folder.mkdir(parents=True)
        calls.append([kind.make(folder), "--output", str(tmp_path / "store"), *kind.options])
    command = [sys.executable, "-c", PROGRAM]
    ran = subprocess.run(command, input=json.dumps(calls), capture_output=True, text=True, check=True)
    result = json.loads(ran.stdout)
    said = dict(zip(REFUSED_BY_FILES, result["said"], strict=True))
    assert {kind.name: words for kind, words in said.items() if not re.search(kind.sentence, words)} == {}
    assert not result["imported_torch"]
    assert not (tmp_path / "store").exists()
