"""local_source: folders of the Hub's cache and of trainings, and what is chosen of them."""

import json
from pathlib import Path

import pytest

from berth.errors import Refused
from berth.sources.local import local_source
from berth.sources.origin import Source

from .conftest import CHECKPOINT, write_files

COMMIT, OTHER = "a" * 40, "b" * 40


def _open(folder: Path) -> Source:
    return local_source(folder, str(folder))


def _cache(root: Path, *commits: str, main: str | None = None) -> Path:
    repository = root / "models--org--tiny"
    for commit in commits:
        write_files(repository / "snapshots" / commit)
    if main:
        write_files(repository, {"refs/main": main.encode()})
    return repository


def test_a_snapshot_is_named_after_its_model(tmp_path):
    folder = _cache(tmp_path, COMMIT) / "snapshots" / COMMIT
    source = _open(folder)
    assert source == Source(folder=folder, name="tiny", address="org/tiny", revision=COMMIT)
    assert source.origin == {"source": "org/tiny", "revision": COMMIT}


def test_a_cached_model_is_its_refs_main(tmp_path):
    folder = _cache(tmp_path, COMMIT, OTHER, main=OTHER)
    source = _open(folder)
    assert (source.folder.name, source.name, source.revision) == (OTHER, "tiny", OTHER)
    assert source.notes == (f"of the cached models--org--tiny, the snapshot of refs/main: {OTHER}",)


@pytest.mark.parametrize("main", [None, OTHER])
def test_a_cached_model_is_its_only_snapshot(tmp_path, main):
    source = _open(_cache(tmp_path, COMMIT, main=main))
    assert source.revision == COMMIT
    assert source.notes == (f"of the cached models--org--tiny, its only snapshot: {COMMIT}",)


def test_snapshots_without_a_main_are_refused(tmp_path):
    with pytest.raises(Refused, match=rf"holds 2 snapshots and no refs/main .*{COMMIT}, {OTHER}"):
        _open(_cache(tmp_path, COMMIT, OTHER))


def test_a_model_without_a_snapshot_is_refused(tmp_path):
    (tmp_path / "models--org--tiny" / "snapshots").mkdir(parents=True)
    with pytest.raises(Refused, match="holds no snapshot: its download was never finished"):
        _open(tmp_path / "models--org--tiny")


@pytest.mark.parametrize("hub", [".", "hub"])
def test_a_cache_with_one_model_is_that_model(tmp_path, hub):
    _cache(tmp_path / hub, COMMIT)
    assert _open(tmp_path).name == "tiny"


def test_a_cache_with_several_models_is_refused(tmp_path):
    _cache(tmp_path / "hub", COMMIT)
    write_files(tmp_path / "hub" / "models--org--large" / "snapshots" / COMMIT)
    with pytest.raises(Refused, match=r"is a cache of 2 models: .*\(models--org--large, models--org--tiny\)"):
        _open(tmp_path)


def _training(root: Path, *steps: int, best: str | None = None) -> Path:
    out = root / "out"
    for step in steps:
        state = {"best_model_checkpoint": best, "global_step": step}
        write_files(out / f"checkpoint-{step}", CHECKPOINT | {"trainer_state.json": json.dumps(state).encode()})
    return out


@pytest.mark.parametrize(
    ("best", "chosen", "why"),
    [
        (None, "checkpoint-1000", "it is the last, and no trainer_state.json names a best"),
        ("/home/user/out/checkpoint-500", "checkpoint-500", "it is the best by trainer_state.json"),
        (".\\out\\checkpoint-500", "checkpoint-500", "it is the best by trainer_state.json"),
        (
            "out/checkpoint-7",
            "checkpoint-1000",
            "it is the last, and checkpoint-7, the best by trainer_state",
        ),
    ],
)
def test_the_best_checkpoint_of_a_training_or_its_last(tmp_path, best, chosen, why):
    source = _open(_training(tmp_path, 500, 1000, best=best))
    assert (source.folder.name, source.name) == (chosen, "out")
    assert source.notes[0].startswith(f"of checkpoint-500 and checkpoint-1000, {chosen} was packed: {why}")


def test_steps_are_numbers(tmp_path):
    source = _open(_training(tmp_path, 1000, 500, 90))
    assert source.folder.name == "checkpoint-1000"
    assert source.notes[0].startswith("of checkpoint-90 to checkpoint-1000, checkpoint-1000 was packed")


def test_a_checkpoint_that_holds_no_model_is_passed_over(tmp_path):
    out = _training(tmp_path, 500)
    write_files(out / "checkpoint-1000", {"optimizer.pt": b"half written"})
    assert _open(out).folder.name == "checkpoint-500"


def test_a_training_with_a_model_of_its_own_is_that_model(tmp_path):
    out = write_files(_training(tmp_path, 500))
    source = _open(out)
    assert (source.folder, source.name) == (out, "out")
    assert source.notes == (f"{out} holds a model of its own beside checkpoint-500: its own was packed",)


def test_a_checkpoint_is_named_after_its_training(tmp_path, monkeypatch):
    out = _training(tmp_path, 500)
    assert _open(out / "checkpoint-500").name == "out"
    monkeypatch.chdir(out / "checkpoint-500")
    assert _open(Path()).name == "out"
    assert _open(write_files(tmp_path / "my runs" / "checkpoint-500")).name == "checkpoint-500"


@pytest.mark.parametrize("where", ["out", "out/checkpoint-500"])
@pytest.mark.parametrize("address", ["out", "out/checkpoint-1000"])
def test_a_checkpoint_without_a_tokenizer_names_where_one_lies(tmp_path, where, address):
    out = _training(tmp_path, 500, 1000)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (out / "checkpoint-500" / name).unlink()
        (out / "checkpoint-1000" / name).unlink()
        write_files(tmp_path / where, {name: b"{}"})
    with pytest.raises(Refused) as refused:
        _open(tmp_path / address)
    target, there = out / "checkpoint-1000", tmp_path / where
    assert str(refused.value) == (
        f"{target} has no tokenizer, but {there} has one: copy it with `cp {there}/tokenizer.json "
        f"{there}/tokenizer_config.json {target}`, and pack again"
    )


def test_without_a_tokenizer_anywhere_the_check_of_packing_speaks(tmp_path):
    out = _training(tmp_path, 500)
    (out / "checkpoint-500" / "tokenizer.json").unlink()
    assert _open(out).folder.name == "checkpoint-500"
