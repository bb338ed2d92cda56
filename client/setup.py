"""Builds berth-client: the part of berth that asks a server, from the same files, without torch and java.

Versions and requirements are those of ../setup.cfg; this file names only what is taken.
"""

import configparser
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py
from setuptools.command.sdist import sdist

ROOT = Path(__file__).resolve().parents[1]
DESCRIPTOR_SET = ROOT / "berth" / "clients" / "torchserve.binpb"
# The modules of each package; None: all of them.
PACKAGES = {
    "berth": {"__init__", "__main__", "console", "endpoint", "errors", "lines", "names", "progress", "properties"}
    | {"settings", "wait"},
    "berth.archive": {"__init__", "content", "zip_layout"},  # what `berth scale` knows of time-outs
    "berth.cli": {"__init__", "app", "bars", "managing", "options", "scale", "tables"},
    "berth.cli.asking": {"__init__", "answers", "command", "inputs"},
    "berth.clients": None,
}
REQUIRES = {"msgspec", "requests", "rich", "typer", "urllib3"}
REQUIRES_GRPC = {"grpcio", "protobuf"}


class BuildClient(build_py):
    """Takes the modules that are named above, and makes the gRPC services where they are missing."""

    def run(self) -> None:
        """Build; SystemExit where berth's setup.py cannot make the services: it says why."""
        if not DESCRIPTOR_SET.is_file():
            with tempfile.TemporaryDirectory() as folder:
                command = [sys.executable, "setup.py", "build_py", "--build-lib", folder]
                if subprocess.run(command, cwd=ROOT, check=False).returncode:
                    raise SystemExit(f"{DESCRIPTOR_SET} could not be made: the messages are above")
        if Path(self.build_lib).parent.name == "build":  # a module that is gone since the last build still lies there
            shutil.rmtree(self.build_lib, ignore_errors=True)
        super().run()

    def find_package_modules(self, package: str, package_dir: str) -> list[tuple[str, str, str]]:
        """The package's modules, as setuptools names them: (package, module, file)."""
        wanted = PACKAGES[package]
        found: list[tuple[str, str, str]] = super().find_package_modules(package, package_dir)
        return [each for each in found if wanted is None or each[1] in wanted]


class NoSource(sdist):
    """Refuses: what the client is made of lies above this folder, and a source distribution cannot reach there."""

    def run(self) -> None:
        """SystemExit: one without those files would be made, and could not be built."""
        raise SystemExit(
            "berth-client is a wheel only: its files are berth's. Build it by: python -m build --wheel client"
        )


def requirements(names: set[str]) -> list[str]:
    """The lines of setup.cfg's install_requires for these packages."""
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    lines = config["options"]["install_requires"].split("\n")
    return [line for line in lines if re.split(r"[ <>=]", line)[0] in names]


def version() -> str:
    """The version in berth/__init__.py."""
    return re.findall(r'__version__ = "(.+)"', (ROOT / "berth" / "__init__.py").read_text("utf-8"))[0]


setup(
    name="berth-client",
    version=version(),
    description="Asks a berth server: REST, gRPC and asyncio clients, and the commands that go with them",
    license="Apache-2.0",
    python_requires=">=3.11",
    packages=list(PACKAGES),
    package_dir={"berth": "../berth"},
    package_data={"berth": ["py.typed"], "berth.clients": ["*.binpb"]},
    install_requires=requirements(REQUIRES),
    extras_require={"grpc": requirements(REQUIRES_GRPC)},
    entry_points={"console_scripts": ["berth = berth.cli:main"]},
    cmdclass={"build_py": BuildClient, "sdist": NoSource},
)
