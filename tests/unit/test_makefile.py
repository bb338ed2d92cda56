"""The Makefile, asked of make: what packs the sample anew, what a failed program leaves, what an older make takes."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")
WRITTEN = re.findall(r"^(\S+):.*\n\t.*\$\(call written,(\S+)\)$", MAKEFILE, re.MULTILINE)
"""Targets whose program's output becomes a file of the repository, and that file."""

pytestmark = pytest.mark.skipif(not shutil.which("make"), reason="there is no make")


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run make as if `make setup` had been."""
    command = ["make", "--no-print-directory", "--old-file=.venv/.setup", "--old-file=.venv/.serves", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_the_sample_is_packed_anew_whichever_module_changes() -> None:
    known = make(ROOT, "--print-data-base", "--question", "model_store/bert.mar").stdout
    prerequisites = re.findall(r"^model_store/bert\.mar: (.+)$", known, re.MULTILINE)[0].split()
    modules = {
        path.relative_to(ROOT).as_posix() for room in ("berth", "handler") for path in ROOT.glob(f"{room}/**/*.py")
    }
    assert "handler/doors/openai/__init__.py" in modules
    assert modules <= set(prerequisites)


@pytest.mark.parametrize(("target", "file"), WRITTEN)
@pytest.mark.parametrize("fails", [False, True])
def test_a_program_that_fails_leaves_the_file_as_it_was(tmp_path: Path, target: str, file: str, fails: bool) -> None:
    for name, text in {"Makefile": MAKEFILE, "bin/python": f"echo new; exit {int(fails)}\n", file: "old\n"}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    done = make(tmp_path, target, "BIN=sh bin")
    assert (done.returncode != 0, (tmp_path / file).read_text()) == (fails, "old\n" if fails else "new\n")
    assert [path.name for path in (tmp_path / file).parent.iterdir()] == [Path(file).name]


def test_no_other_target_writes_into_a_file_of_the_repository() -> None:
    assert {target for target, _ in WRITTEN} == {"alerts", "openapi", "scan"}
    assert not re.search(r"> *docs/", MAKEFILE)


def test_a_checkpoint_whose_path_has_a_blank_is_refused_before_anything_is_built() -> None:
    assert (
        "CHECKPOINT=my models/bert has a blank"
        in make(ROOT, "image", "ENGINE=false", "CHECKPOINT=my models/bert").stderr
    )
    assert "checkpoint=models/bert" in make(ROOT, "--dry-run", "image", "ENGINE=false", "CHECKPOINT=models/bert").stdout


def test_an_older_make_runs_the_tests_too() -> None:
    assert "--output-sync" in make(ROOT, "--dry-run", "test").stdout
    older = make(ROOT, "--dry-run", "test", ".FEATURES=").stdout
    assert "test-packing test-computing" in older
    assert "--output-sync" not in older
