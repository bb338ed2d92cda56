"""What `python -m` is asked to run, by the Makefile, the image, the manifests and the docs, is there and runs."""

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = [
    *(ROOT / name for name in ("Makefile", "Dockerfile", "README.md", "CONTRIBUTING.md", "docs/bench/README.md")),
    *ROOT.glob("docs/*.md"),
    *ROOT.glob("k8s/**/*.yaml"),
]
RUN = re.compile(r'python3?"?,? "?-m"?,? "?((?:berth|bench|handler|tests)[\w.]*)')
PROGRAMS = {name.rstrip(".") for file in FILES for name in RUN.findall(file.read_text("utf-8"))}


def run_module(*arguments: str) -> str:
    return subprocess.run([sys.executable, "-m", *arguments], capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("name", sorted(PROGRAMS))
def test_it_can_be_run(name: str) -> None:
    found = find_spec(name)
    assert found
    assert found.submodule_search_locations is None or find_spec(f"{name}.__main__")


def test_the_image_the_manifests_and_the_makefile_were_read() -> None:
    assert {"berth.health", "berth.openapi", "bench", "bench.packing", "bench.openmp", "tests.k8s"} <= PROGRAMS


def test_berth_is_the_command() -> None:
    assert run_module("berth", "--version").startswith("berth ")


def test_berth_openapi_prints_the_committed_document() -> None:
    assert run_module("berth.openapi") == (ROOT / "docs" / "openapi.json").read_text("utf-8")


@pytest.mark.parametrize(
    "name", ["bench", "bench.packing", "bench.openmp", "bench.request", "bench.request.answers", "bench.peers"]
)
def test_a_benchmark_says_what_it_measures(name: str) -> None:
    assert "--rounds" in run_module(name, "--help")
