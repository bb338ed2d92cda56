"""A copy holds what belongs to the checkpoint, and costs no second set of bytes."""

import os
from pathlib import Path

from berth.convert import copying
from berth.convert.copying import copy_folder


def _names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}


def test_what_is_large_hidden_or_of_an_earlier_checkpoint_stays_behind(tmp_path, monkeypatch):
    monkeypatch.setattr(copying, "MAX_OTHER_BYTES", 9)
    source = tmp_path / "model"
    for name in (
        "config.json",
        "1_Pooling/config.json",
        "model.safetensors",
        "optimizer.pt",
        ".git/index",
        "checkpoint-9/config.json",
    ):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes(b"{}" if name.endswith(".json") else b"ten bytes.")
    copy_folder(source, tmp_path / "copy")
    assert _names(tmp_path / "copy") == {"config.json", "1_Pooling/config.json", "model.safetensors"}


def test_the_bytes_are_the_same_ones(tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model/model.safetensors").write_bytes(b"weights")
    copy_folder(tmp_path / "model", tmp_path / "copy")
    assert (tmp_path / "copy/model.safetensors").samefile(tmp_path / "model/model.safetensors")


def test_where_no_link_can_be_made_the_bytes_are_copied(tmp_path, monkeypatch):
    def other_file_system(_source: str, _target: Path) -> None:
        raise OSError("Invalid cross-device link")

    monkeypatch.setattr(os, "link", other_file_system)
    (tmp_path / "model").mkdir()
    (tmp_path / "model/model.safetensors").write_bytes(b"weights")
    copy_folder(tmp_path / "model", tmp_path / "copy")
    assert (tmp_path / "copy/model.safetensors").read_bytes() == b"weights"


def test_links_that_lead_outside_or_nowhere_stay_links(tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "model/vocab.txt").symlink_to("../secret.txt")
    (tmp_path / "model/model.safetensors").symlink_to("../gone")
    (tmp_path / "model/inner").symlink_to(tmp_path)
    copy_folder(tmp_path / "model", tmp_path / "copy")
    assert _names(tmp_path / "copy") == {"vocab.txt", "model.safetensors"}
    assert (tmp_path / "copy/vocab.txt").readlink() == tmp_path / "model/vocab.txt"


def test_what_is_there_or_left_out_stays_as_it_is(tmp_path):
    for folder, content in (("base", "base"), ("copy", "adapter")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "config.json").write_text(content)
    (tmp_path / "base/tokenizer.json").write_text("base")
    copy_folder(tmp_path / "base", tmp_path / "copy", frozenset({"tokenizer.json"}))
    assert {path.name: path.read_text() for path in (tmp_path / "copy").iterdir()} == {"config.json": "adapter"}
