"""Makes each peer's environment below .peers/, out of its own file of pins; torch is installed once and lent to all."""

import importlib.metadata
import json
import shutil
import subprocess
import sys
from pathlib import Path

from berth.errors import BerthError

from ..machine import REPOSITORY

ROOT = REPOSITORY / ".peers"
REQUIREMENTS = Path(__file__).with_name("requirements")
LENT = ROOT / "torch"
LAST = 300  # characters of what pip said
UNWANTED = "torchvision"  # optimum-intel asks for it; PyPI's is for another build of torch, and transformers imports it


class CannotRun(BerthError):
    """A peer that cannot run here; the message is the reason that the page gives."""


def python_of(name: str) -> Path:
    """The Python of the environment NAME, made or made anew where requirements/NAME.txt says so; CannotRun if not."""
    folder, wanted = ROOT / "environments" / name, REQUIREMENTS / f"{name}.txt"
    python, made = folder / "bin" / "python", folder / wanted.name
    if not made.is_file() or made.read_bytes() != wanted.read_bytes():
        shutil.rmtree(folder, ignore_errors=True)
        run([sys.executable, "-m", "venv", str(folder)])
        (site,) = folder.glob("lib/python*/site-packages")
        (site / "lent.pth").write_text(f"{lend_torch()}\n", "utf-8")
        run([str(python), *pip("install"), "-r", str(wanted), f"torch=={torch_version()}"])
        run([str(python), *pip("uninstall"), "--yes", UNWANTED])
        shutil.copyfile(wanted, made)
    return python


def lend_torch() -> Path:
    """The folder with torch and what it needs, which environments see behind what is their own."""
    done = LENT / f"torch-{torch_version()}.done"
    if not done.is_file():
        shutil.rmtree(LENT, ignore_errors=True)
        run([sys.executable, *pip("install"), "--target", str(LENT), f"torch=={torch_version()}"])
        done.touch()
    return LENT


def torch_version() -> str:
    """The version that berth runs with, without the name of its build."""
    return importlib.metadata.version("torch").partition("+")[0]


def versions_in(python: Path) -> dict[str, str]:
    """The version of every package that this Python sees."""
    listed = run([str(python), *pip("list"), "--format", "json"])
    return {package["name"]: package["version"] for package in json.loads(listed)}


def pip(command: str) -> list[str]:
    return ["-m", "pip", command, "--quiet", "--disable-pip-version-check"]


def run(command: list[str]) -> str:
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    if ran.returncode:
        errors = [line for line in ran.stderr.splitlines() if line.strip() and not line.startswith("WARNING")]
        raise CannotRun(" ".join(errors[-3:])[-LAST:] or f"{command[0]} ended with {ran.returncode}")
    return ran.stdout
