"""The wheel, built as pip builds it: whatever an installed berth needs besides its dependencies is in it."""

import configparser
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
DATA = (
    "berth/serve/log4j2.xml",
    "berth/serve/metrics.yaml",
    "berth/py.typed",
    "berth/config.properties",
    "berth/clients/torchserve.binpb",
    "handler/py.typed",
)


@pytest.fixture(scope="module")
def sources() -> list[str]:
    """What git tracks: files that lie about here do not get into the wheel."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [name for name in listed.splitlines() if (ROOT / name).is_file()]


@pytest.fixture(scope="module")
def checkout(sources: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    copy = tmp_path_factory.mktemp("sources")
    for name in sources:
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, copy / name)
    return copy


@pytest.fixture(scope="module")
def members(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    output = tmp_path_factory.mktemp("wheels")
    pip = [sys.executable, "-m", "pip", "wheel", ".", "--no-deps", "--no-build-isolation", "-w", str(output)]
    subprocess.run(pip, cwd=checkout, check=True, capture_output=True)
    (wheel,) = output.iterdir()
    with zipfile.ZipFile(wheel) as file:
        return file.namelist()


def test_every_module_is_in_it(members: list[str], sources: list[str]) -> None:
    modules = {name for name in sources if name.startswith(("berth/", "handler/")) and name.endswith(".py")}
    assert "handler/doors/native.py" in modules
    assert {name for name in members if name.endswith(".py")} == modules


def test_nothing_of_the_benchmark_is_in_it(members: list[str], sources: list[str]) -> None:
    assert "bench/rivals/rival.py" in sources
    assert [name for name in members if name.startswith("bench/")] == []


@pytest.mark.parametrize("name", DATA)
def test_the_files_that_are_no_modules_are_in_it(members: list[str], name: str) -> None:
    assert name in members


def test_the_build_asks_for_the_versions_that_setup_cfg_allows() -> None:
    """pip builds apart from what is installed: torchserve's .proto files there must be those of the one that serves."""
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    allowed = setup["options"]["install_requires"] + setup["options.extras_require"]["dev"]
    build = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["build-system"]["requires"]
    assert "torchserve" in {Requirement(line).name for line in build}
    assert {Requirement(line) for line in build} <= {Requirement(line) for line in allowed.split("\n") if line}


@pytest.mark.parametrize(("module", "package"), [("ts", "torchserve"), ("grpc_tools", "grpcio-tools")])
def test_a_build_without_its_tools_names_the_package(checkout: Path, module: str, package: str) -> None:
    build = f"import runpy, sys; sys.modules[{module!r}] = None; sys.argv[1:] = ['build']; runpy.run_path('setup.py')"
    ran = subprocess.run([sys.executable, "-c", build], cwd=checkout, capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    assert f"pip install {package}" in ran.stderr
    assert "Traceback" not in ran.stderr
