"""One tiny checkpoint packed and signed by the command, and another archive made of its members."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from berth.archive.content import MANIFEST, SUMS, ArchivePlan, Member
from berth.archive.members import open_archive
from berth.archive.write import write_archive
from handler.config import Task
from tests.support.checkpoints import make_checkpoint
from tests.support.signing import make_keys

BERTH = str(Path(sys.executable).with_name("berth"))
CONFIG = "checkpoint/config.json"


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two pairs of keys, ada's and bob's."""
    folder = tmp_path_factory.mktemp("keys")
    make_keys(folder, "ada")
    make_keys(folder, "bob")
    return folder


@pytest.fixture(scope="session")
def signed(keys: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `berth pack --sign` makes: tiny.mar, with tiny.sig beside it."""
    checkpoint = make_checkpoint(tmp_path_factory.mktemp("checkpoints") / "tiny", "bert", Task.TEXT_CLASSIFICATION)
    store = tmp_path_factory.mktemp("store")
    command = [BERTH, "pack", str(checkpoint), "--output", str(store), "--sign", str(keys / "ada.key")]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    rows = dict(line.split(maxsplit=1) for line in ran.stderr.splitlines()[1:])
    assert rows["signature"] == str(store / "tiny.sig")
    return Path(ran.stdout.strip())


@pytest.fixture(scope="session")
def second(signed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same archive in version 2.0 with another label, one member more and one less."""
    with open_archive(signed) as members:
        data = {name: members.read(name) for name in members.sizes if name != SUMS}
    manifest, config = json.loads(data[MANIFEST]), json.loads(data[CONFIG])
    manifest["model"]["modelVersion"] = "2.0"
    config["id2label"]["1"] = "undecided"
    del data["handler/explain/__init__.py"]
    changed = {MANIFEST: json.dumps(manifest).encode(), CONFIG: json.dumps(config).encode(), "extra/notes.txt": b"new"}
    path = tmp_path_factory.mktemp("second") / "tiny.mar"
    plan = sorted((data | changed).items())
    write_archive(ArchivePlan(members=tuple(Member(name=name, source=each) for name, each in plan)), path)
    return path
