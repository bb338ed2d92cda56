"""`berth tune` as a user runs it: real servers of a small model under load, and a server that goes by what was found.

Its steps are shorter here: what is measured does not matter, and nothing is compared with a time.
"""

import json
import os
import shutil
import signal
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
from typer.testing import CliRunner, Result

from berth.archive.verify import verify_archive
from berth.cli.app import app
from berth.pack.options import PackOptions, WorkerOptions
from berth.pack.pack import pack_checkpoint
from berth.tune import trial
from berth.tune.tuning import tuning_file
from berth.wait import wait_until
from tests.support.servers import BERTH, running_server

pytestmark = pytest.mark.server
BUDGET = 512  # the smallest that the model's texts allow, so that there is no smaller one to try


@dataclass(frozen=True, kw_only=True)
class Tuned:
    """An archive that was tuned once."""

    archive: Path
    result: Result

    @property
    def outcome(self) -> dict[str, Any]:
        return dict(json.loads(self.result.stdout))


@pytest.fixture(scope="module")
def archive(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    options = PackOptions(output=tmp_path_factory.mktemp("tuned"), worker=WorkerOptions(token_budget=BUDGET))
    return pack_checkpoint(tiny, options).archive


@pytest.fixture(scope="module")
def tuned(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Tuned:
    """A minute is far more than anything here takes, so that every rate meets the target."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"STEP_S": 0.2, "LEAST_REQUESTS": 5, "NUM_STEPS": 2}.items():
            patch.setattr(trial, name, value)
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("TS_DEFAULT_WORKERS_PER_MODEL", "1")
        patch.setattr("berth.tune.outcome.NUM_FINALISTS", 1)
        return Tuned(archive=archive, result=CliRunner().invoke(app, ["tune", str(archive), "--p99", "60s"]))


def test_every_split_is_tried_and_the_best_ones_twice(tuned: Tuned) -> None:
    assert tuned.result.exit_code == 0, tuned.result.output
    found = tuned.outcome["results"]
    assert {(each["split"]["workers"], each["split"]["token_budget"]) for each in found} == {(1, BUDGET)}
    assert [each["is_default"] for each in found] == [True] + [False] * (len(found) - 1)
    assert [each["why_not"] for each in found] == [""] * len(found)
    (best,) = [each for each in found if each["is_best"]]
    assert len(best["trials"]) == 2
    assert all(step["num_errors"] == 0 for each in found for steps in each["trials"] for step in steps)


def test_the_winner_is_kept_beside_the_archive_and_served(tuned: Tuned) -> None:
    kept = json.loads(tuning_file(tuned.archive).read_text())
    (best,) = [each["split"] for each in tuned.outcome["results"] if each["is_best"]]
    assert kept["split"] == best
    verify_archive(tuned.archive)
    kept["split"] = {"workers": 2, "threads": 3, "token_budget": 600}
    tuning_file(tuned.archive).write_text(json.dumps(kept))
    with running_server([tuned.archive]) as server:
        assert "berth: tuned (tiny.tune.json): 2 workers x 3 threads, 600 tokens a pass" in server.log
        assert "workers of each model: 2, because `berth tune` found them best here" in server.log
        assert len(server.worker_pids("tiny")) == 2
        assert server.java.environ()["BERTH_CORES"] == "6"  # which berth-python hands on, for the workers to share
        assert "token_budget=600" in server.log


def has_server(pid: int) -> bool:
    """Whether `berth serve` is among a process's children, of which others end meanwhile."""
    with suppress(psutil.NoSuchProcess):
        return any("serve" in child.cmdline() for child in psutil.Process(pid).children())
    return False


def test_ctrl_c_ends_the_server_and_writes_nothing(archive: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copy(archive, tmp_path))
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")}
    with subprocess.Popen(
        [BERTH, "tune", copy, "--p99", "1s"], stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        started = wait_until(lambda: has_server(process.pid), 60.0)
        below = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert started
    assert process.returncode == 130, said
    assert "stopped: nothing is written" in said
    assert psutil.wait_procs(below, timeout=30)[1] == []
    assert not tuning_file(copy).exists()
