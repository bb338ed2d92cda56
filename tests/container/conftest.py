"""The image, really built, for every test here; and the figures that the tests report."""

import os
import shutil

import pytest

from .podman import FOLDER, make_image, podman, run

ROOT = FOLDER.parents[1]
PUBLIC_BASE = "docker.io/library/debian:bookworm-slim"
LOCAL_BASE = "localhost/debian:bookworm-slim"
FIGURES = pytest.StashKey[list[str]]()


def pytest_configure(config: pytest.Config) -> None:
    """podman's settings for this machine, unless it has its own."""
    os.environ.setdefault("CONTAINERS_CONF", str(FOLDER / "containers.conf"))
    config.stash[FIGURES] = []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """What was measured, under the tests' results."""
    if figures := config.stash[FIGURES]:
        terminalreporter.section("container figures")
        terminalreporter.write_line("\n".join(figures))


@pytest.fixture(scope="session")
def figures(request: pytest.FixtureRequest) -> list[str]:
    """Lines to show at the end."""
    return request.config.stash[FIGURES]


@pytest.fixture(scope="session")
def base() -> str:
    """The public base where a registry can be reached, else one made of Debian's packages."""
    if shutil.which("podman") is None:
        pytest.skip("podman is not installed")
    if podman("pull", "--quiet", PUBLIC_BASE, check=False).returncode == 0:
        return PUBLIC_BASE
    run(str(FOLDER / "make_base.sh"))
    return LOCAL_BASE


@pytest.fixture(scope="session")
def image(base: str, figures: list[str]) -> str:
    """`make image`."""
    printed = make_image(base)
    figures.append(printed[printed.rindex("SIZE    LAYER") :].rstrip())
    return "localhost/berth"
