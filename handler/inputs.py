"""One input of each task as a request has it: a string, or an object with the task's keys. Pure."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from .config import Task

NonEmpty = Annotated[str, Meta(min_length=1)]


class InputObject(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An input with keys."""


class TextObject(InputObject, frozen=True, forbid_unknown_fields=True):
    """One text."""

    text: str


class PairObject(InputObject, frozen=True, forbid_unknown_fields=True):
    """One text, or two that the model reads together."""

    text: str
    text_pair: str | None = None


class QuestionObject(InputObject, frozen=True, forbid_unknown_fields=True):
    """A question, and the text to find its answer in; neither is empty."""

    question: NonEmpty
    context: NonEmpty


class RankingObject(InputObject, frozen=True, forbid_unknown_fields=True):
    """A query, and the texts to hold it against."""

    query: str
    texts: Annotated[list[str], Meta(min_length=1)]


TASK_OBJECTS: dict[Task, type[InputObject]] = {
    Task.EMBEDDINGS: TextObject,
    Task.TEXT_CLASSIFICATION: PairObject,
    Task.TOKEN_CLASSIFICATION: TextObject,
    Task.QUESTION_ANSWERING: QuestionObject,
    Task.FILL_MASK: TextObject,
    Task.TEXT_RANKING: RankingObject,
    Task.ZERO_SHOT_CLASSIFICATION: TextObject,
}
# Of an object's keys all but text_pair are needed; where one text is enough, a string is an input too.
INPUT_KEYS: dict[Task, tuple[str, ...]] = {task: kind.__struct_fields__ for task, kind in TASK_OBJECTS.items()}
TASK_INPUTS: dict[Task, Any] = {
    task: kind if task in (Task.QUESTION_ANSWERING, Task.TEXT_RANKING) else str | kind
    for task, kind in TASK_OBJECTS.items()
}


def describe_input(task: Task) -> str:
    """What the task takes, for an error message."""
    keys = " and ".join(INPUT_KEYS[task])
    match task:
        case Task.TEXT_RANKING:
            wanted = "an object with the string query and texts, a list of at least one string"
        case Task.QUESTION_ANSWERING:
            wanted = f"an object with the strings {keys}, neither of them empty"
        case Task.TEXT_CLASSIFICATION:
            wanted = f"a string or an object with the strings {keys}"
        case _:
            wanted = f"a string or an object with the string {keys}"
    return f"{task} takes {wanted}"
