"""What `berth scale` waits for, and what it says of a wait in vain; tests/server has it at work."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from berth.cli.bars import show_progress
from berth.cli.scale import is_scaled, scale_model
from berth.clients.management import ManagementClient
from berth.errors import BerthError
from tests.support.http_standin import JsonHandler, answering
from tests.support.states import make_state
from tests.unit.berth.clients.test_management import DESCRIBED, ON_GPU

ONE_READY = 200, [DESCRIBED | {"workers": [ON_GPU]}]
TWO_READY = 200, [DESCRIBED | {"workers": [ON_GPU, ON_GPU | {"id": "9001", "pid": 8}]}]
FAILED = 500, {"code": 500, "type": "InternalServerException", "message": "busy"}


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


@contextmanager
def describing(*answers: tuple[int, object]) -> Iterator[ManagementClient]:
    """A server that gives these answers to describe, one after the other, and believes any scale."""
    remaining = iter(answers)

    class TorchServe(JsonHandler):
        def do_GET(self) -> None:  # noqa: N802 - the base class's name
            self.answer(*next(remaining))

        def do_PUT(self) -> None:  # noqa: N802
            self.answer(202, {"status": "Processing worker updates..."})

    with answering(TorchServe) as url, ManagementClient(url) as management:
        yield management


def test_a_look_that_fails_does_not_end_the_wait() -> None:
    with describing(ONE_READY, FAILED, TWO_READY) as management, show_progress() as progress:
        assert scale_model(management, "a/b", 2, progress).num_ready == 2


def test_a_wait_in_vain_says_how_the_last_look_failed() -> None:
    words = r"after 0 s a b has 1 of 2 workers READY \(9000 READY\); the last look at it failed: .* 500: busy; the log"
    with (
        describing(ONE_READY, FAILED) as management,
        show_progress() as progress,
        pytest.raises(BerthError, match=words),
    ):
        scale_model(management, "a/b", 2, progress, timeout_s=0.0)
