"""Every task's record agrees with itself."""

import subprocess
import sys

import pytest

from handler.config import HandlerConfig, Task
from handler.explain.subjects import SUBJECTS
from handler.inputs import TextInput
from handler.tasks import TASKS

SOURCE = TextInput(text="a", text_pair="b", texts=("c",), param="/inputs")
NEEDED = {Task.ZERO_SHOT_CLASSIFICATION: {"candidate_labels": ["d"]}}


def test_every_task_has_a_record_of_its_own_name() -> None:
    assert set(TASKS) == set(Task)
    assert all(kind.task is task for task, kind in TASKS.items())


@pytest.mark.parametrize("task", Task)
def test_what_is_planned_is_what_the_record_says(task: Task) -> None:
    kind = TASKS[task]
    passages = kind.plan(SOURCE, kind.parameters(**NEEDED.get(task, {})), HandlerConfig(task=task, max_tokens=512))
    assert passages.keeps_places is kind.keeps_places


def test_what_is_explained_has_a_subject() -> None:
    assert set(SUBJECTS) == {task for task, kind in TASKS.items() if kind.is_explained}


@pytest.mark.parametrize(
    ("module", "unwanted"),
    [("handler.tasks", ("torch", "transformers")), ("handler.doors.route", ("torch", "handler.tasks"))],
)
def test_imports(module: str, unwanted: tuple[str, ...]) -> None:
    """Tasks load no torch; what parses a request loads no head."""
    program = f"import sys, {module}; print([name for name in {unwanted} if name in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
