"""Which other tasks a checkpoint could answer, for those to whom the choice was not told: `--task` takes them."""

from collections.abc import Mapping

from handler.config import Task

from .load_checkpoint import labels_of
from .references import REFERENCES

# Tasks of one head of transformers: a cross-encoder of old scores pairs, a model of entailment classifies from zero.
ONE_HEAD = (Task.TEXT_CLASSIFICATION, Task.TEXT_RANKING, Task.ZERO_SHOT_CLASSIFICATION)


def other_tasks(config: Mapping[str, object], task: Task) -> tuple[Task, ...]:
    """The tasks that the weights and labels of a checkpoint with this config.json are as good for as for `task`."""
    if task is Task.FILL_MASK:
        return (Task.EMBEDDINGS,)
    if task not in ONE_HEAD:
        return ()
    labels = labels_of(config)
    return tuple(other for other in ONE_HEAD if other is not task and not REFERENCES[other].wrong_labels(labels))
