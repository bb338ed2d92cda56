"""What a look at a model means."""

from dataclasses import replace

import pytest

from berth.health.diagnosis import (
    DEAD_S,
    START_S,
    STUCK_S,
    ModelView,
    WorkerView,
    why_never_ready,
    why_not_live,
    why_not_ready,
)

WORKING = WorkerView(is_ready=True, idle_s=0.0, absent_s=0.0)
IDLE = replace(WORKING, idle_s=10 * STUCK_S)
LOADING = WorkerView(is_ready=False, idle_s=0.0, absent_s=0.0)
GONE = replace(LOADING, absent_s=DEAD_S - 1)
GIVEN_UP = replace(LOADING, absent_s=DEAD_S)
ZOMBIE = replace(WORKING, absent_s=STUCK_S)
WELL = ModelView(workers=[WORKING], queued=0, silent_s=0.0, check_s=0.1, failure=None)


@pytest.mark.parametrize(
    "view",
    [
        pytest.param(WELL, id="idle server"),
        pytest.param(replace(WELL, check_s=300.0, queued=128), id="busy under a full queue"),
        pytest.param(replace(WELL, workers=[IDLE]), id="nobody asks"),
        pytest.param(replace(WELL, workers=[WORKING, LOADING]), id="scaling up"),
        pytest.param(replace(WELL, workers=[WORKING, GONE]), id="one of two is started again"),
        pytest.param(replace(WELL, workers=[WORKING, GIVEN_UP]), id="one of two given up: the other answers"),
        pytest.param(replace(WELL, workers=[WORKING, IDLE], check_s=60.0), id="one has all the work"),
        pytest.param(replace(WELL, silent_s=STUCK_S - 1), id="one look missed"),
    ],
)
def test_ready(view: ModelView) -> None:
    assert why_not_ready(view) is None
    assert why_not_live(view) is None


@pytest.mark.parametrize(
    ("view", "reason"),
    [
        pytest.param(replace(WELL, workers=[]), "no worker", id="scaled to none"),
        pytest.param(replace(WELL, workers=[LOADING]), "no worker", id="loading"),
        pytest.param(replace(WELL, workers=[ZOMBIE]), "process is gone", id="zombie"),
        pytest.param(replace(WELL, workers=[WORKING, ZOMBIE]), "process is gone", id="zombie beside a good one"),
        pytest.param(replace(WELL, failure="off by 1"), "off by 1", id="wrong answer"),
        pytest.param(replace(WELL, silent_s=STUCK_S), "frontend", id="frontend silent"),
        pytest.param(replace(WELL, workers=[IDLE], check_s=STUCK_S), "hangs", id="hanging"),
        pytest.param(replace(WELL, workers=[IDLE, IDLE], check_s=STUCK_S), "hangs", id="both hang"),
        pytest.param(replace(WELL, workers=[WORKING, IDLE], check_s=STUCK_S, queued=3), "hangs", id="one of two hangs"),
    ],
)
def test_not_ready(view: ModelView, reason: str) -> None:
    assert reason in str(why_not_ready(view))
    assert why_not_live(view) is None


@pytest.mark.parametrize(
    "view",
    [
        pytest.param(replace(WELL, silent_s=DEAD_S), id="frontend silent"),
        pytest.param(replace(WELL, workers=[GIVEN_UP, GIVEN_UP]), id="all past retry"),
        pytest.param(replace(WELL, workers=[WORKING, replace(ZOMBIE, absent_s=DEAD_S)]), id="zombie"),
    ],
)
def test_only_a_restart_helps(view: ModelView) -> None:
    assert why_not_live(view) is not None


@pytest.mark.parametrize(
    ("view", "reason"),
    [
        pytest.param(replace(WELL, workers=[], silent_s=START_S), "frontend", id="frontend never there"),
        pytest.param(replace(WELL, workers=[], unmanned_s=START_S), "no worker", id="no worker ever"),
        pytest.param(
            replace(WELL, workers=[WORKING, replace(LOADING, absent_s=START_S)]), "no process", id="no process"
        ),
    ],
)
def test_never_ready(view: ModelView, reason: str) -> None:
    assert reason in str(why_never_ready(view))


def test_a_slow_start_is_still_one() -> None:
    slow = START_S - 1
    view = replace(WELL, workers=[replace(LOADING, absent_s=slow)], silent_s=slow, unmanned_s=slow)
    assert why_never_ready(view) is None
