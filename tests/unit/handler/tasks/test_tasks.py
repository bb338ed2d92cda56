"""Every task's record agrees with itself."""

import subprocess
import sys

import pytest

from handler import sizes
from handler.config import HandlerConfig, Task
from handler.doors.typed import parameters_of
from handler.errors import UnknownPath
from handler.explain.subjects import SUBJECTS
from handler.inputs import TextInput
from handler.tasks import TASKS

SOURCE = TextInput(text="a", text_pair="b", texts=("c",), param="/inputs")
LABELS = {"candidate_labels": ["d"]}
NEEDED = {Task.ZERO_SHOT_CLASSIFICATION: LABELS, Task.ZERO_SHOT_TOKEN_CLASSIFICATION: LABELS}


def test_every_task_has_a_record_of_its_own_name() -> None:
    assert set(TASKS) == set(Task)
    assert all(kind.task is task for task, kind in TASKS.items())


@pytest.mark.parametrize("task", Task)
def test_the_launcher_counts_with_what_the_record_says(task: Task) -> None:
    kind = TASKS[task]
    passages = kind.plan(SOURCE, kind.parameters(**NEEDED.get(task, {})), HandlerConfig(task=task, max_tokens=512))
    assert passages.keeps_places is (task in sizes.KEEPS_PLACES)
    assert kind.is_vector is (task in sizes.ANSWERS_VECTORS)
    assert kind.is_vector is (list[float] in kind.results)
    assert not kind.is_vector or "dimensions" in kind.parameters.__struct_fields__


@pytest.mark.parametrize(
    ("task", "objects"),
    [
        (Task.TEXT_CLASSIFICATION, 256 * 7),
        (Task.TOKEN_CLASSIFICATION, 131_072),
        (Task.QUESTION_ANSWERING, 256),
        (Task.FILL_MASK, 256 * 32),
        (Task.TEXT_RANKING, 256),
        (Task.ZERO_SHOT_CLASSIFICATION, 256),
        (Task.ZERO_SHOT_TOKEN_CLASSIFICATION, 131_072),
    ],
)
def test_largest_answers(task: Task, objects: int) -> None:
    assert sizes.largest_answer(task, vector_size=384, num_labels=7) == objects * sizes.OBJECT_BYTES
    assert sizes.largest_answer(Task.EMBEDDINGS, vector_size=384, num_labels=7) == 256 * 384 * 13


def test_the_largest_answer_of_labels_that_are_read_with_the_text_has_as_many_for_each() -> None:
    largest = sizes.largest_answer(Task.ZERO_SHOT_CLASSIFICATION, vector_size=0, num_labels=2, token_numbers=2**16)
    assert largest == 2**16 * sizes.OBJECT_BYTES


def test_what_is_explained_has_a_subject_and_is_named_to_who_asks_for_more() -> None:
    assert set(SUBJECTS) == {task for task, kind in TASKS.items() if kind.is_explained}
    with pytest.raises(UnknownPath) as refused:
        parameters_of(TASKS[Task.EMBEDDINGS], explains=True)
    assert all(task in refused.value.message for task in SUBJECTS)


@pytest.mark.parametrize(
    ("module", "unwanted"),
    [("handler.tasks", ("torch", "transformers")), ("handler.doors.route", ("torch", "handler.tasks"))],
)
def test_imports(module: str, unwanted: tuple[str, ...]) -> None:
    """Tasks load no torch; what parses a request loads no head."""
    program = f"import sys, {module}; print([name for name in {unwanted} if name in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
