"""Measures a GPU on a machine that reaches no package registry: `python run.py [--device cpu --small] [PART ...]`.

It joins the kit's parts, checks their sums, makes an environment that takes torch from this Python and all that this
Python lacks from the kit, and runs `bench.gpu` in it. Only Python's standard library is needed, and torch. What is made
is kept: a second run begins to measure at once.
"""

import hashlib
import importlib.util
import json
import os
import subprocess
import sys
import tarfile
import venv
from pathlib import Path

KIT = Path(__file__).resolve().parent
UNPACKED = KIT / "unpacked"
ENVIRONMENT = KIT / "environment"


def main() -> None:
    """Prepare once, then become the measurement."""
    kit = json.loads((KIT / "kit.json").read_text(encoding="utf-8"))
    here = ".".join(map(str, sys.version_info[:2]))
    if here != kit["python"]:
        sys.exit(
            f"this kit is for Python {kit['python']} and runs here under {here}: make PYTHON_VERSION={here} gpu-kit"
        )
    spec = importlib.util.find_spec("torch")
    if spec is None or spec.origin is None:
        sys.exit(f"{sys.executable} has no torch: run this with the Python that has it; the kit never brings it")
    if not (UNPACKED / "done").is_file():
        unpack(kit["parts"])
    python = ENVIRONMENT / "bin" / "python"
    if not (ENVIRONMENT / "done").is_file():
        make_environment(python, Path(spec.origin).parents[1], kit["packages"])
    os.chdir(UNPACKED / "source")
    output = ["--output", str(KIT / "results")] if "--output" not in sys.argv else []
    command = [str(python), "-m", "bench.gpu", "--commit", kit["commit"], *output, *sys.argv[1:]]
    sys.stderr.flush()
    os.execv(command[0], command)  # noqa: S606 - our own Python, and the arguments that we were given


def unpack(parts: "dict[str, str]") -> None:
    """Join the parts in order, each as its sum says, and unpack them."""
    say(f"joining {len(parts)} parts")
    whole = KIT / "kit.tar"
    with whole.open("wb") as joined:
        for name, digest in parts.items():
            part = KIT / name
            if not part.is_file():
                sys.exit(f"{part} is missing: copy it from where the kit was made")
            data = part.read_bytes()
            if hashlib.sha256(data).hexdigest() != digest:
                sys.exit(f"{part} is damaged: its sha256 is not {digest}; copy it again")
            joined.write(data)
    with tarfile.open(whole) as archive:
        archive.extractall(UNPACKED, filter="data")
    whole.unlink()
    (UNPACKED / "done").touch()


def make_environment(python: Path, beside_torch: Path, packages: "list[str]") -> None:
    """A virtual environment that sees this Python's packages; pip itself comes in the kit, and asks no index."""
    say("making an environment with what this Python lacks")
    venv.create(ENVIRONMENT, system_site_packages=True, clear=True, symlinks=True)
    # Where this Python is a virtual environment itself, the new one would see the base's packages only. A worker has
    # no PYTHONPATH: a .pth file carries the folder.
    (site,) = ENVIRONMENT.glob("lib/python*/site-packages")
    (site / "torch.pth").write_text(f"{beside_torch}\n", encoding="utf-8")
    wheels = UNPACKED / "wheels"
    (pip,) = wheels.glob("pip-*.whl")
    options = [
        "install",
        "--quiet",
        "--isolated",
        "--no-index",
        "--find-links",
        str(wheels),
        "--no-warn-script-location",
    ]
    ran = subprocess.run([str(python), str(pip / "pip"), *options, *packages], check=False)
    if ran.returncode:
        sys.exit("pip could not install the kit's packages: its lines above say why")
    (ENVIRONMENT / "done").touch()


def say(line: str) -> None:
    """Progress, to stderr."""
    print(f"kit: {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
