"""`berth cache`, `berth verify` of several archives and `berth budget` of none, as a user types them."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from berth.archive.unpack import unpack_once
from berth.archive.verify import verify_archive
from berth.cli.app import app
from berth.errors import UsageError
from tests.support.standin import make_standin


def berth(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(each) for each in arguments])


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "berth"


def test_an_empty_cache_says_so(cache: Path) -> None:
    done = berth("cache")
    assert (done.exit_code, done.stdout) == (0, "")
    assert done.stderr == f"berth: 0 MiB in 0 folders of {cache}\n"


def test_what_is_kept_is_told_and_what_is_used_stays(cache: Path, tmp_path: Path) -> None:
    folder = unpack_once(make_standin(tmp_path), cache)  # held by this process
    (cache / "left").mkdir()
    kept = [json.loads(line) for line in berth("cache").stdout.splitlines()]
    assert [(each["folder"], each["model"], each["is_held"]) for each in kept] == [
        (str(cache / "left"), None, False),
        (str(folder), "bert", True),
    ]
    cleared = berth("cache", "--clear")
    assert [json.loads(line)["folder"] for line in cleared.stdout.splitlines()] == [str(cache / "left")]
    assert f"removed from {cache}" in cleared.stderr
    assert list(cache.iterdir()) == [folder]


def test_what_a_killed_start_left_is_told_and_cleared_with_its_size(cache: Path) -> None:
    (cache / ".unpacking-left").mkdir(parents=True)
    (cache / ".unpacking-left" / "weights").write_bytes(bytes(3 << 20))
    (line,) = berth("cache").stdout.splitlines()
    assert (json.loads(line)["is_draft"], json.loads(line)["is_held"]) == (True, False)
    assert berth("cache", "--clear").stderr == f"berth: 3 MiB in 1 folder removed from {cache}\n"
    assert list(cache.iterdir()) == []


def test_several_archives_are_verified_and_the_worst_decides(tmp_path: Path) -> None:
    good, bad = make_standin(tmp_path, name="good"), tmp_path / "bad.mar"
    bad.write_bytes(good.read_bytes()[:-1])
    done = berth("verify", bad, good, tmp_path / "none.mar")
    assert done.exit_code == 4
    assert done.stdout.splitlines() == [f"{good}: 4 members verified, content {verify_archive(good).id}"]
    first, second = done.stderr.splitlines()
    assert first.startswith(f"berth: {bad}")
    assert second.startswith(f"berth: {tmp_path / 'none.mar'} does not exist")
    assert berth("verify", good, good).exit_code == 0


def test_a_budget_without_archives_is_that_of_what_serve_would_serve(tmp_path: Path) -> None:
    text = (Path(__file__).parents[4] / "config.properties").read_text("utf-8")
    config = tmp_path / "config.properties"
    config.write_text(text.replace("load_models=bert.mar", "load_models="))
    error = berth("budget", "--config", config).exception
    assert isinstance(error, UsageError)
    assert f"name an archive, or set load_models in {config}" in str(error)
    config.write_text(text.replace("model_store=model_store", f"model_store={tmp_path}"))
    error = berth("budget", "--config", config).exception
    assert f"{tmp_path / 'bert.mar'}" in str(error)
