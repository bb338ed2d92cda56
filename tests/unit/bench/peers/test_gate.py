"""The gate's rule, its floors, and which revision it takes for the last release."""

import json
import subprocess
from pathlib import Path
from statistics import median

import pytest

from bench.machine import REPOSITORY
from bench.peers import base
from bench.peers.base import BASE, build, newest_tag, packages_of_this
from bench.peers.catalogue import all_peers
from bench.peers.environments import CannotRun
from bench.peers.gate import FLOORS, MODEL, is_below, judge
from bench.peers.measure.mixes import LOGNORMAL
from bench.peers.report.summary import BERTH, ratios


@pytest.mark.parametrize(
    ("ratios", "fails"),
    [
        ((3.0, 3.1, 3.2), False),
        ((2.9, 2.95, 3.0), False),  # below, but by less than the rounds differ
        ((2.7, 2.75, 2.8), True),
        ((1.0, 2.0, 3.5), False),  # so restless a machine proves nothing
    ],
)
def test_a_ratio_fails_when_it_is_below_by_more_than_the_rounds_differ(ratios: tuple[float, ...], fails: bool) -> None:
    assert is_below(ratios, 3.0) is fails


def test_what_was_not_measured_has_failed(capsys: pytest.CaptureFixture[str]) -> None:
    assert judge("LitServe", [], 2.0)
    assert not judge("LitServe", [2.5, 2.6], 2.0)
    assert capsys.readouterr().out.splitlines() == [
        "LitServe: not measured, see above; the floor is 2: FAILED",
        "LitServe: berth answers 2.55 (2.50..2.60) times as many requests/s; the floor is 2: kept",
    ]


def test_every_floor_is_of_a_peer_or_of_the_release() -> None:
    floors = json.loads(FLOORS.read_text("utf-8"))
    assert BASE in floors
    assert set(floors) <= {BASE, *(peer.name for peer in all_peers())}


def test_the_committed_pages_keep_the_floors_and_the_lowest_is_near() -> None:
    documents = [json.loads(path.read_text("utf-8")) for path in REPOSITORY.glob("docs/bench/peers*.json")]
    models = [document["models"][MODEL] for document in documents if MODEL in document["models"]]
    floors = {name: floor for name, floor in json.loads(FLOORS.read_text("utf-8")).items() if name != BASE}
    for name, floor in floors.items():
        pages = [found for model in models if (found := ratios(model, LOGNORMAL, BERTH, [name]))]
        assert len(pages) >= 3
        assert not any(is_below(found, floor) for found in pages)
        assert 0.95 * min(map(median, pages)) < floor


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(base, "REPOSITORY", tmp_path)
    git(tmp_path, "init", "-q")
    (tmp_path / "setup.cfg").write_text("[metadata]\nname = berth\nversion = 7\n[options]\npy_modules = one\n", "utf-8")
    (tmp_path / "setup.py").write_text("import setuptools\nsetuptools.setup()\n", "utf-8")
    (tmp_path / "one.py").write_text("", "utf-8")
    git(tmp_path, "add", "-A")
    git(tmp_path, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "one")
    return tmp_path


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True).stdout


def test_the_last_release_is_the_newest_tag(repository: Path) -> None:
    assert newest_tag() is None
    git(repository, "tag", "v1")
    assert newest_tag() == "v1"


def test_a_revision_is_built_from_what_was_committed(repository: Path, tmp_path: Path) -> None:
    (repository / "one.py").write_text("not python", "utf-8")
    wheel = build(git(repository, "rev-parse", "HEAD").strip(), tmp_path / "out")
    assert wheel.name.startswith("berth-7-")


def test_a_revision_that_is_not_there_is_said(repository: Path) -> None:
    with pytest.raises(CannotRun, match="Needed a single revision"):
        base.install("nowhere")


def test_packages_are_lent_as_folders() -> None:
    assert all(Path(path).is_dir() for path in packages_of_this())
    assert any((Path(path) / "torch").is_dir() for path in packages_of_this())
