"""`berth pack` on real checkpoints: the same bytes twice, proven before it is kept, and nothing left by a failure."""

import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import zipfile
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

import handler
from berth.archive.content import HANDLER, KNOWN_ANSWERS
from berth.archive.unpack import unpack_once
from berth.archive.verify import verify_archive
from berth.errors import BerthError, Refused, UsageError
from berth.pack.checkpoint import Checkpoint
from berth.pack.contents import ReferenceAnswers
from berth.pack.options import PackOptions
from berth.pack.pack import pack_checkpoint
from berth.pack.proof import started_proof
from berth.pack.reference_answers import reference_answers
from berth.pack.references.known_texts import TEXTS
from berth.progress import Advance
from berth.wait import wait_until
from berth.workers.environment import worker_environment
from handler.config import Task
from tests.support.checkpoints import make_checkpoint

PACK = [str(Path(sys.executable).with_name("berth")), "pack"]
# Installed beside it, or a part of torchserve, and each a part of a second or several.
UNUSED_MODULES = [
    *("accelerate", "captum", "matplotlib", "openai", "pandas", "scipy", "sentence_transformers", "sklearn"),
    "torchvision",
    "ts.torch_handler.base_handler",
    "torch._dynamo.convert_frame",
    "torch.distributed.tensor",
]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_checkpoint(tmp_path_factory.mktemp("checkpoints") / "tiny", "roberta", Task.TEXT_CLASSIFICATION)


@pytest.fixture(scope="module")
def archive(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pack_checkpoint(checkpoint, PackOptions(output=tmp_path_factory.mktemp("store") / "new")).archive


@pytest.fixture(scope="module")
def folder(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unpack_once(archive, tmp_path_factory.mktemp("cache"))


def test_nothing_lies_beside_the_archive(archive):
    assert archive.name == "tiny.mar"
    assert list(archive.parent.iterdir()) == [archive]


def test_every_handler_file_is_in_it_as_installed(archive):
    root = Path(handler.__path__[0])
    sources = {f"handler/{path.relative_to(root).as_posix()}": path.read_bytes() for path in root.rglob("*.py")}
    with zipfile.ZipFile(archive) as file:
        assert file.testzip() is None
        assert {name: file.read(name) for name in file.namelist() if name.startswith("handler/")} == sources
        assert HANDLER.replace(".", "/") + ".py" in sources


def test_the_digests_are_verified(archive, folder):
    assert verify_archive(archive) == verify_archive(folder)


def test_a_second_pack_is_the_same_bytes(archive, checkpoint, tmp_path):
    """Another process, working folder, umask and modification time; the paths differ too."""
    moved = shutil.copytree(checkpoint, tmp_path / "tiny", copy_function=shutil.copyfile)
    os.utime(moved / "config.json", (0, 0))
    subprocess.run([*PACK, "tiny", "--output", "."], cwd=tmp_path, umask=0o077, check=True, capture_output=True)
    assert (tmp_path / "tiny.mar").read_bytes() == archive.read_bytes()


@pytest.mark.parametrize("text", [TEXTS[0], TEXTS[-1]], ids=["short", "long"])  # a load on a CPU asks for no long one
def test_the_proof_refuses_wrong_known_answers(folder, tmp_path, text):
    altered = shutil.copytree(folder, tmp_path / "altered")
    known = json.loads((altered / KNOWN_ANSWERS).read_text("utf-8"))
    known["answers"][known["inputs"].index(text)][0] += 0.01
    (altered / KNOWN_ANSWERS).write_text(json.dumps(known))
    with (
        started_proof(tmp_path) as prove,
        pytest.raises(Refused, match=r"^the archive does not serve, so it was not kept: [\w.]*SelfTestError: [^\n]*$"),
    ):
        prove(altered)


def test_the_proof_takes_the_archives_handler_and_leaves_no_trace(folder, tmp_path, tmp_path_factory, monkeypatch):
    (tmp_path / "handler").mkdir()
    (tmp_path / "handler" / "__init__.py").write_text("raise RuntimeError('not me')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with started_proof(tmp_path_factory.mktemp("empty")) as prove:
        prove(folder)
    verify_archive(folder)


def test_an_archive_that_is_there_is_replaced_by_force_only(archive, checkpoint):
    before = archive.read_bytes()
    with pytest.raises(Refused, match="is already there: replace it with --force"):
        pack_checkpoint(checkpoint, PackOptions(output=archive.parent))
    assert archive.read_bytes() == before


@pytest.fixture
def wrong_answers(monkeypatch):
    """The reference is computed, and then said wrongly."""

    def altered(checkpoint: Checkpoint, advance: Advance) -> ReferenceAnswers:
        right = reference_answers(checkpoint, advance)
        return dataclasses.replace(right, answers=tuple(reversed(right.answers)))

    monkeypatch.setattr("berth.pack.reference_answers.reference_answers", altered)


@pytest.mark.usefixtures("wrong_answers")
def test_a_failed_proof_leaves_no_archive(checkpoint, tmp_path):
    with pytest.raises(Refused, match=r"(?s)does not serve.*SelfTestError"):
        pack_checkpoint(checkpoint, PackOptions(output=tmp_path / "store"))
    assert list((tmp_path / "store").iterdir()) == []


@pytest.mark.usefixtures("wrong_answers")
def test_a_failed_proof_keeps_the_archive_that_force_would_replace(checkpoint, tmp_path):
    (tmp_path / "tiny.mar").write_bytes(b"old")
    with pytest.raises(Refused, match=r"(?s)does not serve.*SelfTestError"):
        pack_checkpoint(checkpoint, PackOptions(output=tmp_path, force=True))
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"old"]


@pytest.mark.parametrize("name", ["", ".hidden", "a/b", "a b", "ü"])
def test_a_name_that_torchserve_does_not_take_is_refused(checkpoint, tmp_path, name):
    with pytest.raises(UsageError, match="give another with --version"):
        pack_checkpoint(checkpoint, PackOptions(version=name, output=tmp_path))
    with pytest.raises(UsageError, match="give another with --name"):
        pack_checkpoint(checkpoint, PackOptions(name=name, output=tmp_path))


def test_a_wrong_source_date_epoch_is_refused(checkpoint, tmp_path, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "yesterday")
    with pytest.raises(UsageError, match="SOURCE_DATE_EPOCH is 'yesterday'"):
        pack_checkpoint(checkpoint, PackOptions(output=tmp_path))


def test_a_checkpoint_that_cannot_be_loaded_leaves_nothing(checkpoint, tmp_path):
    broken = shutil.copytree(checkpoint, tmp_path / "broken")
    config = json.loads((broken / "config.json").read_text("utf-8")) | {"hidden_act": "nosuch"}
    (broken / "config.json").write_text(json.dumps(config), "utf-8")
    (tmp_path / "store" / ".packing-broken-killed").mkdir(parents=True)
    with pytest.raises(Refused, match="transformers cannot load"):
        pack_checkpoint(broken, PackOptions(output=tmp_path / "store"))
    # It was begun, and cleared away, and so was what a killed one left.
    assert list((tmp_path / "store").iterdir()) == []


def test_an_output_that_cannot_be_written_is_said(checkpoint, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(BerthError, match="cannot write"):
        pack_checkpoint(checkpoint, PackOptions(output=tmp_path / "file"))


def is_held(pid):
    """Whether the process that will prove the archive is there; it is stopped, or it would be done in no time."""
    with suppress(psutil.NoSuchProcess):
        for child in psutil.Process(pid).children():
            if "berth.pack.prove" in child.cmdline():
                child.suspend()
                return True
    return False


def test_an_interrupted_pack_leaves_nothing(checkpoint, tmp_path):
    """Ctrl-C, once the archive is being proven; the terminal sends it to the whole group."""
    command = [*PACK, str(checkpoint), "--output", str(tmp_path / "store")]
    with subprocess.Popen(command, stderr=subprocess.PIPE, start_new_session=True) as packing:
        sums = (tmp_path / "store").glob
        assert wait_until(lambda: is_held(packing.pid), timeout_s=120)
        assert wait_until(lambda: any(sums("*/unpacked/MAR-INF/SHA256SUMS")), timeout_s=120)
        for number in (signal.SIGINT, signal.SIGCONT):
            os.killpg(packing.pid, number)
        packing.communicate()
    assert packing.returncode != 0
    assert list((tmp_path / "store").iterdir()) == []


def test_the_worker_imports_nothing_that_it_does_not_use(folder):
    program = (
        "import os, sys; import ts.model_service_worker; from ts.model_loader import ModelLoaderFactory as factory; "
        f"factory.get_model_loader().load('tiny', os.getcwd(), '{HANDLER}', None, 1); "
        f"print(sorted(set({UNUSED_MODULES}) & set(sys.modules)))"
    )
    environment = worker_environment(os.environ) | {"BERTH_DEVICE": "cpu"}
    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=folder, env=environment, capture_output=True, text=True, check=True
    )
    assert ran.stdout.splitlines()[-1] == "[]"
