"""config.json with labels and settings in all the ways in which people write them: taken where they say one thing."""

import json
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from handler.config import Task
from tests.support.checkpoints import make_checkpoint
from tests.support.plain_transformers import classify_one_by_one

from ..kind import Kind, Numbers

PLAIN = {"0": "negative", "1": "neutral", "2": "positive"}
SERVED: dict[str, dict[str, object]] = {
    "labels that are numbers": {"id2label": {"0": 1, "1": 2, "2": 3}},
    "labels in a list": {"id2label": ["negative", "neutral", "positive"]},
    "labels out of order": {"id2label": {"2": "positive", "0": "negative", "1": "neutral"}},
    "no labels, but their number": {"id2label": None, "label2id": None, "num_labels": 3},
    "numbers in quotes": {
        "layer_norm_eps": "1e-12",
        "hidden_size": "64",
        "pad_token_id": "0",
        "hidden_dropout_prob": 0,
    },
    "whole numbers with a point": {"hidden_size": 64.0, "num_hidden_layers": 3.0},
}
REFUSED: dict[str, tuple[dict[str, object], str]] = {
    "labels with a gap": ({"id2label": {"0": "a", "1": "b", "3": "c"}}, "numbers its labels 0, 1, 3: id2label must"),
    "labels that begin at 1": ({"id2label": {"1": "a", "2": "b", "3": "c"}}, "numbers its labels 1, 2, 3"),
    "a label that is null": ({"id2label": {"0": None, "1": "b", "2": "c"}}, "label of output 0 is None"),
    "two labels of one name": ({"id2label": {"0": "a", "1": "a", "2": "c"}}, "gives the name a to 2 outputs"),
    "labels and their numbers swapped": ({"id2label": {"a": 0, "b": 1, "c": 2}}, "which are no numbers"),
    "more labels than outputs": ({"id2label": dict(enumerate("abcd"))}, "has 4 labels and the model's head has 3"),
    "num_labels beside other names": ({"num_labels": 5}, "num_labels is 5 and id2label has 3 names"),
    "a size in words": ({"hidden_size": "small"}, "hidden_size is 'small', and must be a whole number"),
}


def _make(settings: Mapping[str, object], folder: Path) -> str:
    """A classifier with these settings; null takes one out."""
    path = make_checkpoint(folder, "bert", Task.TEXT_CLASSIFICATION) / "config.json"
    config = json.loads(path.read_text("utf-8")) | settings
    path.write_text(json.dumps({name: value for name, value in config.items() if value is not None}), "utf-8")
    return str(folder)


def _scores(settings: Mapping[str, object], folder: Path, texts: Sequence[Any]) -> Numbers:
    """What transformers answers with the config.json that it had written itself, in the order of this one."""
    plain = make_checkpoint(folder.parent / "plain", "bert", Task.TEXT_CLASSIFICATION)
    order = settings.get("id2label", PLAIN)
    numbers = [int(key) for key in order] if isinstance(order, dict) else range(3)
    scored = [list(scores.values()) for scores in classify_one_by_one(plain, texts, 512)]
    return [sorted(scores, reverse=True) if order is None else [scores[each] for each in numbers] for scores in scored]


KINDS = (
    *(
        Kind(name=name, make=partial(_make, settings), expected=partial(_scores, settings))
        for name, settings in SERVED.items()
    ),
    *(Kind(name=name, make=partial(_make, settings), sentence=said) for name, (settings, said) in REFUSED.items()),
)
