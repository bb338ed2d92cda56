"""A small checkpoint of each task, of as many architectures."""

from pathlib import Path

from handler.config import Task
from tests.support.checkpoints import make_checkpoint
from tests.support.checkpoints.gliner import make_gliner
from tests.support.references.gliner_models import MODELS
from tests.support.references.make_checkpoints import make_question_checkpoint

ARCHITECTURES = {
    Task.EMBEDDINGS: "nomic-bert",
    Task.TEXT_CLASSIFICATION: "roberta",
    Task.TOKEN_CLASSIFICATION: "bert",
    Task.QUESTION_ANSWERING: "distilbert",
    Task.FILL_MASK: "modernbert",
    Task.TEXT_RANKING: "mpnet",
    Task.ZERO_SHOT_CLASSIFICATION: "deberta-v2",
    Task.ZERO_SHOT_TOKEN_CLASSIFICATION: "deberta",
}


def make_task_folders(root: Path) -> dict[Task, Path]:
    """A checkpoint for each task; its folder's name is the model's."""
    for task in Task:
        make_task_folder(root / task, task)
    return {task: root / task for task in Task}


def make_task_folder(folder: Path, task: Task) -> None:
    """A checkpoint for one task."""
    architecture = ARCHITECTURES[task]
    if task is Task.QUESTION_ANSWERING:
        make_question_checkpoint(folder, architecture)
    elif task is Task.ZERO_SHOT_TOKEN_CLASSIFICATION:
        make_gliner(folder, **MODELS[architecture])
    else:
        make_checkpoint(folder, architecture, task)
