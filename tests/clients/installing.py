"""Installs what the clients need: Python's packages into a virtual environment of their own, node's beside it."""

import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def install(folder: Path) -> Path:
    """Make or complete both below `folder`; the Python that has the packages. Without npm only the first."""
    python = folder / "python" / "bin" / "python"
    if not python.is_file():
        subprocess.run([sys.executable, "-m", "venv", folder / "python"], check=True)
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "-r", str(HERE / "requirements.txt")], check=True)
    if npm := shutil.which("npm"):
        node = folder / "node"
        node.mkdir(exist_ok=True)
        shutil.copy(HERE / "package.json", node)
        subprocess.run([npm, "install", "--no-audit", "--no-fund", "--silent"], cwd=node, check=True)
    return python
