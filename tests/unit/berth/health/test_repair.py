"""When a worker is killed, when it is scaled away and back, and when a server is given up."""

from dataclasses import replace
from pathlib import Path

import pytest

from berth.errors import BerthError
from berth.health.diagnosis import DEAD_S, STUCK_S, ModelView, WorkerView
from berth.health.repair import AGAIN_S, HUNG_S, Repairs, choose_remedy
from tests.support.states import make_state

WORKING = WorkerView(is_ready=True, idle_s=0.0, absent_s=0.0)
IDLE = replace(WORKING, idle_s=HUNG_S)
LOADING = replace(WORKING, is_ready=False)
ZOMBIE = replace(WORKING, absent_s=STUCK_S)
GIVEN_UP = replace(LOADING, absent_s=DEAD_S)
WELL = ModelView(workers=[WORKING], queued=0, silent_s=0.0, check_s=0.1, failure=None)
HANGING = replace(WELL, workers=[IDLE], check_s=HUNG_S)


class Frontend:
    """TorchServe's management API, as far as repairs use it."""

    def __init__(self, error: BerthError | None = None) -> None:
        self.renewed: list[tuple[str, int, int]] = []
        self._error = error

    def renew(self, model: str, first: int, workers: int) -> None:
        self.renewed.append((model, first, workers))
        if self._error:
            raise self._error


@pytest.fixture
def killed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Pids that were sent a SIGKILL."""
    pids: list[int] = []
    monkeypatch.setattr("berth.health.repair.look_at", lambda _: True)
    monkeypatch.setattr("berth.health.repair.os.kill", lambda pid, _: pids.append(pid))
    return pids


def repairs_of(frontend: Frontend) -> Repairs:
    return Repairs(frontend)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "view",
    [
        pytest.param(WELL, id="well"),
        pytest.param(replace(WELL, workers=[WORKING, IDLE], check_s=300.0), id="one has all the work"),
        pytest.param(replace(HANGING, check_s=HUNG_S - 1), id="not long enough"),
        pytest.param(replace(WELL, workers=[LOADING]), id="loading"),
        pytest.param(replace(WELL, workers=[WORKING, GIVEN_UP]), id="one given up beside a good one"),
        pytest.param(replace(WELL, workers=[]), id="scaled to none"),
        pytest.param(replace(WELL, silent_s=DEAD_S), id="no frontend to ask"),
        pytest.param(replace(HANGING, is_described=False), id="the frontend is silent: nobody gives work"),
        pytest.param(replace(WELL, workers=[ZOMBIE], is_described=False), id="pids of the last time"),
    ],
)
def test_nothing_is_done(view: ModelView) -> None:
    assert choose_remedy(view) is None


def test_hanging_workers_are_killed_and_a_working_one_is_not(killed: list[int]) -> None:
    frontend = Frontend()
    view = replace(HANGING, workers=[IDLE, WORKING, IDLE], queued=1)
    repairs_of(frontend).step(view, make_state("READY", "READY", "READY"), 0.0)
    assert killed == [100, 102]
    assert frontend.renewed == []


@pytest.mark.parametrize(
    ("workers", "first"),
    [([ZOMBIE], 0), ([WORKING, ZOMBIE, WORKING], 1), ([GIVEN_UP, GIVEN_UP], 0)],
    ids=["zombie", "zombie between good ones", "all given up"],
)
def test_workers_without_a_process_are_scaled_away_and_back(
    workers: list[WorkerView], first: int, killed: list[int]
) -> None:
    frontend = Frontend()
    repairs = repairs_of(frontend)
    repairs.step(replace(WELL, workers=workers), make_state(*["READY"] * len(workers)), 0.0)
    assert frontend.renewed == [("bert/1.0", first, len(workers))]
    assert killed == []
    assert repairs.lost is None


def test_what_did_not_help_is_not_tried_again(killed: list[int]) -> None:
    repairs, state = repairs_of(Frontend()), make_state("READY")
    for now_s in (0.0, AGAIN_S - 1):
        repairs.step(HANGING, state, now_s)
        assert repairs.lost is None
    repairs.step(replace(WELL, workers=[LOADING]), state, AGAIN_S)  # started again, but no answer
    repairs.step(HANGING, state, AGAIN_S + 1)
    assert "did not help" in str(repairs.lost)
    assert killed == [100]


def test_what_helped_may_be_done_again(killed: list[int]) -> None:
    repairs, state = repairs_of(Frontend()), make_state("READY")
    for now_s in (0.0, 100.0, 200.0):
        repairs.step(HANGING, state, now_s)
        repairs.step(WELL, state, now_s + 50)
    assert repairs.lost is None
    assert killed == [100] * 3


def test_a_frontend_that_does_not_scale_loses_the_server() -> None:
    repairs = repairs_of(Frontend(BerthError("no answer")))
    repairs.step(replace(WELL, workers=[ZOMBIE]), make_state("READY"), 0.0)
    repairs.step(WELL, make_state("READY"), 1.0)
    assert "no answer" in str(repairs.lost)


def test_a_silent_frontend_loses_the_server() -> None:
    repairs = repairs_of(Frontend())
    repairs.step(replace(WELL, silent_s=DEAD_S), make_state("READY"), 0.0)
    assert "frontend" in str(repairs.lost)


def test_a_worker_that_is_given_up_beside_good_ones_is_reported_once(capsys: pytest.CaptureFixture[str]) -> None:
    repairs, state = repairs_of(Frontend()), make_state()
    for now_s in range(3):
        repairs.step(replace(WELL, workers=[WORKING, GIVEN_UP]), state, float(now_s))
    assert capsys.readouterr().err.count("TorchServe has given up 1 of 2 workers") == 1
    repairs.step(WELL, state, 3.0)
    assert capsys.readouterr().err == ""


def test_a_server_whose_models_folder_is_gone_is_lost_once_a_worker_would_have_to_load_it(tmp_path: Path) -> None:
    folder, loading = tmp_path / "model", replace(WELL, workers=[LOADING])
    folder.mkdir()
    assert lost_after(loading, folder) is None
    folder.rmdir()
    assert lost_after(WELL, folder) is None
    assert str(lost_after(loading, folder)).startswith(f"{folder} is gone")


def lost_after(view: ModelView, folder: Path) -> str | None:
    repairs = Repairs(Frontend(), folder)  # type: ignore[arg-type]
    repairs.step(view, make_state("READY"), now_s=0.0)
    return repairs.lost
