"""check_labels: every way in which config.json writes labels, beside a head of three outputs."""

import json
from pathlib import Path
from typing import Any

import pytest

from berth.errors import Refused
from berth.pack.check.labels import check_labels
from berth.pack.load_checkpoint import labels_of, load_checkpoint
from handler.config import Task

HEAD = {"classifier.weight": (3, 64)}


def _check(folder: Path, task: Task = Task.TEXT_CLASSIFICATION, **settings: object) -> dict[str, Any]:
    config = {"model_type": "bert", "max_position_embeddings": 512} | settings
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    (folder / "model.safetensors").touch()
    read: dict[str, Any] = json.loads((folder / "config.json").read_text("utf-8"))
    check_labels(load_checkpoint(folder, task), read, HEAD if task is Task.TEXT_CLASSIFICATION else {})
    return read


@pytest.mark.parametrize(
    ("settings", "labels"),
    [
        ({"id2label": {"0": "a", "1": "b", "2": "c"}}, ["a", "b", "c"]),
        ({"id2label": {"2": "c", "0": "a", "1": "b"}}, ["a", "b", "c"]),
        ({"id2label": {"0": 1, "1": 2.5, "2": True}}, ["1", "2.5", "True"]),
        ({"num_labels": 3}, ["LABEL_0", "LABEL_1", "LABEL_2"]),
        ({"id2label": None, "num_labels": 3}, ["LABEL_0", "LABEL_1", "LABEL_2"]),
        ({"id2label": {"0": "a", "1": "b", "2": "c"}, "num_labels": 3}, ["a", "b", "c"]),
    ],
)
def test_labels_that_name_each_output_once_are_taken(tmp_path, settings, labels):
    assert labels_of(_check(tmp_path, **settings)) == labels


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"id2label": {"0": "a", "1": "b", "3": "c"}}, "numbers its labels 0, 1, 3: id2label must number them from 0"),
        ({"id2label": {"1": "a", "2": "b", "3": "c"}}, "numbers its labels 1, 2, 3"),
        ({"id2label": {"-1": "a", "0": "b", "1": "c"}}, "numbers its labels -1, 0, 1"),
        ({"id2label": {"a": 0, "b": 1, "c": 2}}, "numbers its labels a, b, c, which are no numbers: write one name"),
        ({"id2label": {"0": None, "1": "b", "2": "c"}}, "the label of output 0 is None, which is no name"),
        ({"id2label": {"0": "a", "1": ["b"], "2": "c"}}, r"the label of output 1 is \['b'\], which is no name"),
        ({"id2label": {"0": "a", "1": {}, "2": "c"}}, "the label of output 1 is {}, which is no name"),
        ({"id2label": {"0": "", "1": "b", "2": "c"}}, "the label of output 0 is '', which is no name"),
        ({"id2label": {"0": "a", "1": "b", "2": "a"}}, "gives the name a to 2 outputs, which no answer could tell"),
        ({"id2label": {"0": 1, "1": "1", "2": "c"}}, "gives the name 1 to 2 outputs"),
        ({"id2label": {"0": "a", "1": "b"}}, "has 2 labels and the model's head has 3 outputs: write one name"),
        ({"id2label": {}}, "has 0 labels and the model's head has 3 outputs"),
        ({}, "has 2 labels and the model's head has 3 outputs"),
        ({"num_labels": 4}, "has 4 labels and the model's head has 3 outputs"),
        ({"num_labels": 4, "id2label": {"0": "a", "1": "b", "2": "c"}}, "num_labels is 4 and id2label has 3 names"),
        ({"id2label": 5}, "id2label is 5, and must map numbers to names: write one name"),
        ({"id2label": "a,b,c"}, "id2label is 'a,b,c', and must map numbers to names"),
    ],
)
def test_labels_that_do_not_are_refused_with_what_to_write(tmp_path, settings, said):
    with pytest.raises(Refused, match=rf"config\.json.*{said}"):
        _check(tmp_path, **settings)


def test_an_encoder_needs_no_labels_but_ones_that_transformers_can_read(tmp_path):
    _check(tmp_path, Task.EMBEDDINGS, id2label={"0": None, "7": "x"})
    _check(tmp_path, Task.EMBEDDINGS, id2label={"0": "a", "1": "b"}, num_labels=3)
    with pytest.raises(Refused, match="numbers its labels x, which are no numbers"):
        _check(tmp_path, Task.EMBEDDINGS, id2label={"x": 0})
