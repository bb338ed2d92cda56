"""A tokenizer.json is read as it was saved, also where transformers 5 would make parts of it anew."""

import json
from pathlib import Path

import pytest
from tokenizers import Tokenizer
from transformers import AutoTokenizer

from berth.convert.convert import converted
from berth.convert.tokenizer.conversion import make_tokenizers
from berth.progress import Silence
from handler.config import Task
from tests.support.checkpoints import make_checkpoint
from tests.support.checkpoints.slow_tokenizers import write_vocabulary

CLASSES = {"big_bird": "BigBirdTokenizer", "deberta": "DebertaTokenizer", "deberta-v2": "DebertaV2Tokenizer"}


@pytest.mark.parametrize("architecture", CLASSES)
def test_a_pair_and_an_accent_are_read_as_in_training(tmp_path: Path, architecture: str) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    write_vocabulary(folder, architecture)
    (folder / "config.json").write_text(json.dumps({"model_type": architecture}))
    make_tokenizers(folder, Silence())
    trained = AutoTokenizer.from_pretrained(folder)
    texts = ("ﬁve ships", "two  harbours")  # a ligature, and two spaces
    config = json.loads((folder / "tokenizer_config.json").read_text("utf-8"))
    del config["backend"]  # only transformers 5 writes it
    (folder / "tokenizer_config.json").write_text(json.dumps(config | {"tokenizer_class": CLASSES[architecture]}))
    assert AutoTokenizer.from_pretrained(folder)(*texts)["input_ids"] != trained(*texts)["input_ids"]
    with converted(folder, Silence()) as ready:
        read = AutoTokenizer.from_pretrained(ready.folder)
        assert dict(read(*texts)) == dict(trained(*texts))
        assert (read.mask_token, read.pad_token, read.model_max_length) == (trained.mask_token, trained.pad_token, 128)
        assert f"tokenizer.json is read as it was saved: {CLASSES[architecture]} would read " in ready.notes[0]


@pytest.mark.parametrize("architecture", ["albert", "bert", "deberta-v2", "roberta", "xlm-roberta"])
def test_one_that_transformers_takes_as_it_stands_stays(tmp_path: Path, architecture: str) -> None:
    folder = make_checkpoint(tmp_path / "model", architecture, Task.EMBEDDINGS)
    before = (folder / "tokenizer_config.json").read_bytes()
    with converted(folder, Silence()) as ready:
        assert ready.notes == ()
        assert (ready.folder / "tokenizer_config.json").read_bytes() == before


@pytest.mark.parametrize("architecture", ["bert", "roberta", "xlm-roberta"])
def test_a_step_that_transformers_would_leave_out_is_kept(tmp_path: Path, architecture: str) -> None:
    folder = make_checkpoint(tmp_path / "model", architecture, Task.EMBEDDINGS)
    saved = json.loads((folder / "tokenizer.json").read_text("utf-8"))
    replaces = {"type": "Replace", "pattern": {"String": "q"}, "content": "the"}
    steps = [replaces, *([saved["normalizer"]] if saved["normalizer"] else [])]
    text = json.dumps(saved | {"padding": None, "normalizer": {"type": "Sequence", "normalizers": steps}})
    (folder / "tokenizer.json").write_text(text, "utf-8")
    trained = Tokenizer.from_str(text).encode("q ship").ids
    assert AutoTokenizer.from_pretrained(folder)("q ship")["input_ids"] != trained
    with converted(folder, Silence()) as ready:
        assert AutoTokenizer.from_pretrained(ready.folder)("q ship")["input_ids"] == trained
        assert "tokenizer.json is read as it was saved" in ready.notes[0]


@pytest.mark.parametrize("is_split", [True, False])
def test_a_space_at_the_end_of_an_xlm_roberta_is_read_as_in_training(tmp_path: Path, is_split: bool) -> None:
    folder = make_checkpoint(tmp_path / "model", "xlm-roberta", Task.EMBEDDINGS)
    saved = json.loads((folder / "tokenizer.json").read_text("utf-8"))
    pieces = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True}
    split = {"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, pieces]}
    text = json.dumps(saved | {"padding": None, "pre_tokenizer": split if is_split else pieces})
    (folder / "tokenizer.json").write_text(text, "utf-8")
    with converted(folder, Silence()) as ready:
        assert (
            AutoTokenizer.from_pretrained(ready.folder)("ship ")["input_ids"]
            == Tokenizer.from_str(text).encode("ship ").ids
        )
        assert bool(ready.notes) is not is_split
