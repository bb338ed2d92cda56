"""How errors name what a model has: the first names, and how many more."""

from types import SimpleNamespace
from typing import Any

import pytest

from handler.errors import InvalidParameter
from handler.explain.subjects import LabelSubject
from handler.parameters import choose_head, choose_prompt
from handler.tasks.text_classification import thresholds
from handler.wire import MAX_LISTED, MAX_QUOTED, list_names

MANY = [f"label {number}" for number in range(10_000)]
SHOWN = f"this model has {', '.join(MANY[:MAX_LISTED])} and 9990 more"


def test_few_names_are_listed_and_a_long_one_is_cut() -> None:
    assert list_names([]) == ""
    assert list_names(MANY[:MAX_LISTED]) == ", ".join(MANY[:MAX_LISTED])
    assert list_names({"x" * 200: 1}) == f"{'x' * MAX_QUOTED}..."


def test_no_error_lists_ten_thousand_names() -> None:
    config: Any = SimpleNamespace(prompts=dict.fromkeys(MANY, ""), heads=dict.fromkeys(MANY), default_prompt=None)
    labels = SimpleNamespace(id2label=dict(enumerate(MANY)), num_labels=len(MANY), problem_type=None)
    subject = LabelSubject(labels, None)
    output: Any = None
    for ask in (
        lambda: thresholds({"none": 0.5}, MANY),
        lambda: choose_prompt("none", config),
        lambda: choose_head("none", config),
        lambda: subject.choose(output, output, "none"),
    ):
        with pytest.raises(InvalidParameter) as refused:
            ask()
        assert refused.value.message.endswith(SHOWN)
