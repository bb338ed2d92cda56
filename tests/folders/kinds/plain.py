"""Folders of today's form, as `save_pretrained` writes them."""

from collections.abc import Sequence
from pathlib import Path

from handler.config import Task
from tests.support.checkpoints import LABELS, make_checkpoint
from tests.support.plain_transformers import classify_one_by_one

from ..kind import Kind, Numbers


def _classifier(folder: Path) -> str:
    return str(make_checkpoint(folder, "bert", Task.TEXT_CLASSIFICATION))


def _scores(folder: Path, texts: Sequence[str]) -> Numbers:
    return [[scores[label] for label in LABELS.values()] for scores in classify_one_by_one(folder, texts, 512)]


KINDS = (Kind(name="save_pretrained of a classifier", make=_classifier, expected=_scores),)
