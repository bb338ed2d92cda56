"""The image, really built, for every test here; and the figures that the tests report."""

import json
import shutil

import pytest

from bench.machine import describe_run

from .podman import BUILD_S, FOLDER, choose_runtime, make_image, podman, run

PUBLIC_BASE = "docker.io/library/debian:bookworm-slim"
LOCAL_BASE = "localhost/debian:bookworm-slim"
FIGURES = pytest.StashKey[list[str]]()


def pytest_configure(config: pytest.Config) -> None:
    """Podman's runtime, and where the figures are gathered."""
    choose_runtime()
    config.stash[FIGURES] = []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """What was measured, under the tests' results."""
    if figures := config.stash[FIGURES]:
        terminalreporter.section("container figures")
        run_facts = json.dumps({"schema_version": 1, **describe_run("make container-test")})
        terminalreporter.write_line("\n".join([*figures, run_facts]))


@pytest.fixture(scope="session")
def figures(request: pytest.FixtureRequest) -> list[str]:
    """Lines to show at the end."""
    return request.config.stash[FIGURES]


@pytest.fixture(scope="session")
def base() -> str:
    """The public base where a registry can be reached, else one made of Debian's packages."""
    if shutil.which("podman") is None:
        pytest.skip("podman is not installed")
    if podman("pull", "--quiet", PUBLIC_BASE, check=False, timeout_s=BUILD_S).returncode == 0:
        return PUBLIC_BASE
    run(str(FOLDER / "make_base.sh"), timeout_s=BUILD_S)
    return LOCAL_BASE


@pytest.fixture(scope="session")
def image(base: str, figures: list[str]) -> str:
    """`make image`."""
    printed = make_image(base)
    figures.append(printed[printed.rindex("SIZE    LAYER") :].rstrip())
    return "localhost/berth"
