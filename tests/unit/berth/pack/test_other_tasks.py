"""Which --task a checkpoint could be packed with beside the one that was chosen."""

import pytest

from berth.pack.load_checkpoint import load_checkpoint
from berth.pack.other_tasks import other_tasks
from handler.config import Task
from tests.support.checkpoints import NLI_LABELS, make_checkpoint

RANKING, CLASSIFICATION, ZERO_SHOT = Task.TEXT_RANKING, Task.TEXT_CLASSIFICATION, Task.ZERO_SHOT_CLASSIFICATION
ONE, NLI = {0: "LABEL_0"}, NLI_LABELS


def as_written(labels):
    """config.json, whose keys are strings."""
    return {"id2label": {str(number): label for number, label in labels.items()}}


@pytest.mark.parametrize(
    ("labels", "task", "others"),
    [
        (ONE, CLASSIFICATION, (RANKING,)),  # an old cross-encoder
        (ONE, RANKING, (CLASSIFICATION,)),
        (NLI, CLASSIFICATION, (ZERO_SHOT,)),
        (NLI, ZERO_SHOT, (CLASSIFICATION,)),
        ({0: "no", 1: "yes"}, CLASSIFICATION, ()),
        (ONE, Task.TOKEN_CLASSIFICATION, ()),
        (ONE, Task.EMBEDDINGS, ()),
        (ONE, Task.FILL_MASK, (Task.EMBEDDINGS,)),
    ],
)
def test_the_labels_say_what_else_a_head_could_be(labels, task, others):
    assert other_tasks(as_written(labels), task) == others


@pytest.mark.parametrize("labels", [ONE, NLI])
def test_each_of_them_can_be_packed(tmp_path, labels):
    folder = make_checkpoint(tmp_path, "bert", CLASSIFICATION, id2label=labels)
    task = load_checkpoint(folder, None).task
    others = other_tasks(as_written(labels), task)
    assert [load_checkpoint(folder, other).task for other in others] == list(others)
    assert len(others) == 1
