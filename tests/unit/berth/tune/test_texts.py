"""What is asked under load: each task's own kind of request, in words that the model knows."""

import json
from pathlib import Path

import pytest

from berth.archive.served_model import read_model
from berth.archive.unpack import unpack_once
from berth.errors import UsageError
from berth.pack.options import PackOptions
from berth.pack.pack import pack_checkpoint
from berth.tune.texts import NUM_TEXTS, make_bodies, whole_words
from handler.config import Task
from tests.conftest import MakeCheckpoint
from tests.support.standin import make_standin

SHAPES = {
    Task.FILL_MASK: {"inputs": "[MASK] x [MASK]"},
    Task.TEXT_RANKING: {"inputs": {"query": "How deep is the harbour?", "texts": ["x"]}},
}


@pytest.mark.parametrize("task", SHAPES)
def test_requests_are_those_of_the_task(checkpoint: MakeCheckpoint, tmp_path: Path, task: Task) -> None:
    options = PackOptions(output=tmp_path, task=task)
    model = read_model(unpack_once(pack_checkpoint(checkpoint("bert", task), options).archive, tmp_path / "cache"))
    file = tmp_path / "texts"
    file.write_text('x\n\na "quoted" ☃\n')
    first, second = (json.loads(body) for body in make_bodies(model, file))
    assert first == SHAPES[task]
    assert 'a "quoted" ☃' in json.dumps(second, ensure_ascii=False).replace('\\"', '"')
    made = make_bodies(model, None)
    assert len(made) == NUM_TEXTS
    assert len(set(made)) > NUM_TEXTS - 50


def test_a_request_for_embeddings_is_a_text(sample_archive: Path, tmp_path: Path) -> None:
    model = read_model(unpack_once(sample_archive, tmp_path / "cache"))
    first = json.loads(make_bodies(model, None)[0])
    assert list(first) == ["inputs"]
    assert "hello world" not in first["inputs"]
    assert len(first["inputs"].split()) > 1


def test_words_of_each_kind_of_vocabulary() -> None:
    assert whole_words(["[CLS]", "##ing", "a", "the", "größe", "harbour"]) == ["the", "harbour"]
    assert whole_words(["<s>", "Ġthe", "ing", "Ġ", "Ġharbour", "ĠThe"]) == ["the", "harbour"]
    assert whole_words(["▁the", "ing", "▁"]) == ["the"]


def test_texts_that_cannot_be_read_are_named(sample_archive: Path, tmp_path: Path) -> None:
    model = read_model(unpack_once(sample_archive, tmp_path / "cache"))
    for content, words in ((None, "No such file"), (b"\n \n", "has no text"), (b"\xff", "is not UTF-8")):
        file = tmp_path / "texts"
        if content is not None:
            file.write_bytes(content)
        with pytest.raises(UsageError, match=words):
            make_bodies(model, file)


def test_a_model_without_words_asks_for_texts(tmp_path: Path) -> None:
    model = read_model(unpack_once(make_standin(tmp_path), tmp_path / "cache"))
    with pytest.raises(UsageError, match="too few English words"):
        make_bodies(model, None)
