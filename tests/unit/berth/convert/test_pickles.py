"""pytorch_model.bin, its shards and those of modules become safetensors, in a process that is kept from the rest."""

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from berth.convert import pickles
from berth.convert.child import run_isolated
from berth.convert.convert import converted
from berth.errors import Refused
from berth.progress import Silence
from handler.config import Task
from tests.support.checkpoints import make_checkpoint
from tests.support.checkpoints.weights import WantsCode, save_pickle, shard_pickle


@pytest.fixture
def folder(tmp_path) -> Path:
    return make_checkpoint(tmp_path / "model", "bert", Task.TEXT_CLASSIFICATION)


def _module(folder: Path, weights: dict[str, torch.Tensor]) -> None:
    """A Dense module with a pickle, as modules.json names it."""
    (folder / "2_Dense").mkdir()
    torch.save(weights, folder / "2_Dense" / "pytorch_model.bin")
    steps = [("Transformer", ""), ("Pooling", "1_Pooling"), ("Dense", "2_Dense")]
    modules = [{"type": f"sentence_transformers.models.{kind}", "path": path} for kind, path in steps]
    (folder / "modules.json").write_text(json.dumps(modules))


def test_shards_and_modules_become_safetensors_in_a_copy(folder):
    weights = load_file(folder / "model.safetensors")
    shard_pickle(folder)
    _module(folder, {"linear.weight": torch.ones(2, 3)})
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    with converted(folder, Silence()) as ready:
        index = json.loads((ready.folder / "model.safetensors.index.json").read_text())["weight_map"]
        shards = sorted(path.name for path in ready.folder.glob("*.safetensors"))
        found = {name: load_file(ready.folder / shard)[name] for name, shard in index.items()}
        assert not list(ready.folder.rglob("*.bin"))
        assert not list(ready.folder.glob("pytorch_model*"))
        dense = load_file(ready.folder / "2_Dense" / "model.safetensors")
    assert shards == [f"model-{number:05}-of-00003.safetensors" for number in (1, 2, 3)]
    assert found.keys() == weights.keys()
    assert all(torch.equal(found[name], weights[name]) for name in weights)
    assert torch.equal(dense["linear.weight"], torch.ones(2, 3))
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before
    assert not ready.folder.exists()
    assert ready.notes[0].endswith("2_Dense/pytorch_model.bin became safetensors")


def test_safetensors_win_over_a_pickle(folder):
    (folder / "pytorch_model.bin").write_bytes(b"never looked at")
    with converted(folder, Silence()) as ready:
        assert ready.folder == folder


def test_a_hostile_pickle_is_refused_by_the_users_own_path(folder):
    save_pickle(folder)
    torch.save({"a": WantsCode()}, folder / "pytorch_model.bin")
    with pytest.raises(Refused) as refused, converted(folder, Silence()):
        pass
    assert str(refused.value).startswith(f"{folder}/pytorch_model.bin is a pickle that wants ")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"version https://git-lfs.github.com/spec/v1\n", "is a git-lfs pointer"),
        (b"<!DOCTYPE html>", "is a web page"),
        (b"PK\x03\x04 and no end", "is cut off, for the end of its zip is missing"),
        (b"\x93NUMPY", r"was not written by torch\.save"),
    ],
)
def test_what_is_damaged_is_refused_before_a_process_is_started(folder, content, words):
    save_pickle(folder)
    (folder / "pytorch_model.bin").write_bytes(content)
    with pytest.raises(Refused, match=rf"pytorch_model\.bin {words}"):
        pickles.applies(folder)


def test_a_shard_that_is_missing_is_refused(folder):
    shard_pickle(folder)
    (folder / "pytorch_model-00002-of-00003.bin").unlink()
    with pytest.raises(Refused, match=r"index\.json names pytorch_model-00002-of-00003\.bin, which is not a file"):
        pickles.applies(folder)


def test_a_pickle_outside_the_checkpoint_is_refused(folder, tmp_path):
    save_pickle(folder)
    (folder / "pytorch_model.bin").rename(tmp_path / "elsewhere.bin")
    (folder / "pytorch_model.bin").symlink_to(tmp_path / "elsewhere.bin")
    with pytest.raises(Refused, match="leads outside the checkpoint"):
        pickles.applies(folder)


def test_a_process_that_dies_is_one_sentence(folder):
    (folder / "pytorch_model.bin").write_bytes(b"\x80")
    with pytest.raises(Refused, match=r"the weights in .*model could not be converted: KeyError: 'files'"):
        run_isolated("unpickle", {}, folder, 0)


def test_limits_hold_and_the_network_is_gone():
    """Where the system lets us: the test says when it does not."""
    program = """
import resource, socket
from berth.convert.isolated import give_up_network, set_limits
is_alone = give_up_network()
set_limits(1 << 30)
try:
    bytearray(2 << 30)
except MemoryError:
    print("no memory")
try:
    socket.create_connection(("127.0.0.1", PORT), 5)
except OSError:
    print("no network")
else:
    print("network" if not is_alone else "a network of its own that leads out")
"""
    with socket.create_server(("127.0.0.1", 0)) as server:
        command = [sys.executable, "-c", program.replace("PORT", str(server.getsockname()[1]))]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert said[0] == "no memory"
    if said[1] == "network":
        pytest.skip("this system lets no process give up its network")
    assert said[1] == "no network"
