"""What `berth scale` refuses and what it waits for; tests/server has it at work."""

import pytest

from berth.errors import UsageError
from berth.management import Management
from berth.progress import show_progress
from berth.scale import MAX_WORKERS, is_scaled, scale_model

from ..states import make_state


@pytest.mark.parametrize(
    ("statuses", "workers", "expected"),
    [
        (["READY", "READY"], 2, True),
        (["READY", "UNLOADING"], 2, False),
        (["READY"], 2, False),
        (["READY", "READY"], 1, False),
        ([], 1, False),
    ],
)
def test_scaled_is_as_many_as_asked_for_and_all_loaded(statuses: list[str], workers: int, expected: bool) -> None:
    assert is_scaled(make_state(*statuses), workers) is expected


@pytest.mark.parametrize(("workers", "reason"), [(0, "off"), (-1, "off"), (MAX_WORKERS + 1, "copy of the model")])
def test_a_senseless_number_is_refused_before_anybody_is_asked(workers: int, reason: str) -> None:
    with (
        Management("http://127.0.0.1:9") as management,
        show_progress() as progress,
        pytest.raises(UsageError, match=reason),
    ):
        scale_model(management, "bert", workers, progress)
