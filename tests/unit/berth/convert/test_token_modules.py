"""bge-m3's matrices beside the weights: they become modules of safetensors, or are refused by what is wrong."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from berth.convert.modules import token_modules
from berth.errors import Refused
from berth.progress import Silence


def save(folder: Path, name: str, *shape: int) -> None:
    torch.save({"weight": torch.ones(shape), "bias": torch.ones(shape[0])}, folder / f"{name}.pt")


def test_a_pickle_becomes_a_dense_module(tmp_path: Path) -> None:
    save(tmp_path, "sparse_linear", 1, 4)
    assert token_modules.applies(tmp_path)
    assert token_modules.convert(tmp_path, Silence()) == "sparse_linear.pt became modules of safetensors"
    assert not token_modules.applies(tmp_path)
    assert not (tmp_path / "sparse_linear.pt").exists()
    settings = json.loads((tmp_path / "sparse_linear" / "config.json").read_text())
    assert settings["activation_function"].endswith(".ReLU")
    assert (settings["in_features"], settings["out_features"], settings["bias"]) == (4, 1, True)
    assert set(load_file(tmp_path / "sparse_linear" / "model.safetensors")) == {"weight", "bias"}


def test_the_users_own_module_is_not_written_into(tmp_path: Path) -> None:
    """A copy of a checkpoint is made of hard links."""
    save(tmp_path, "sparse_linear", 1, 4)
    names = ("config.json", "model.safetensors")
    theirs, copies = tmp_path / "theirs", tmp_path / "sparse_linear"
    for folder in (theirs, copies):
        folder.mkdir()
    for name in names:
        (theirs / name).write_text("the user's")
        (copies / name).hardlink_to(theirs / name)
    token_modules.convert(tmp_path, Silence())
    assert [(theirs / name).read_text() for name in names] == ["the user's"] * 2
    assert set(load_file(copies / "model.safetensors")) == {"weight", "bias"}


def test_another_shape_is_refused(tmp_path: Path) -> None:
    save(tmp_path, "sparse_linear", 2, 4)
    with pytest.raises(Refused, match=r"sparse_linear\.pt does not hold the matrix that bge-m3 has there"):
        token_modules.convert(tmp_path, Silence())


def test_what_is_no_pickle_is_refused(tmp_path: Path) -> None:
    (tmp_path / "colbert_linear.pt").write_text("hello")
    with pytest.raises(Refused, match="was not written by torch"):
        token_modules.applies(tmp_path)


def test_a_file_where_the_folder_would_be_is_named(tmp_path: Path) -> None:
    save(tmp_path, "sparse_linear", 1, 4)
    (tmp_path / "sparse_linear").write_text("")
    with pytest.raises(Refused, match=r"sparse_linear is a file, and sparse_linear\.pt becomes a folder"):
        token_modules.convert(tmp_path, Silence())
