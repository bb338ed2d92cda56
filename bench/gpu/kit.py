"""`make gpu-kit`: a folder with all that a CUDA machine without a package registry lacks, in parts to be carried.

torch, and what only torch needs, is never in it: that machine has its own. The kit's run.py (run_kit.py here) does the
rest there.
"""

import argparse
import hashlib
import importlib.metadata
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from berth.checkpoint_files import WEIGHTS
from berth.sources.sample import SAMPLE_PACKAGE, installed_folder

from ..machine import REPOSITORY, commit

OTHERS = ("pytest", "sentence-transformers", "fastapi", "uvicorn")  # for tests/gpu and the peers
NOT_CARRIED = frozenset({"torch"})
ALSO = ("pip", "setuptools")  # what installs the kit there; what torch asks for and some images lack
SOURCES = ("bench", "tests", "config.properties", "setup.cfg", "constraints.txt")
PIP = (sys.executable, "-m", "pip")
PART_BYTES = 60 * 2**20
GLIBC = range(5, 35)  # manylinux_2_5 to 2_34: what machines with a driver of today have
RUN = Path(__file__).with_name("run_kit.py")


def main() -> None:
    """Build the kit; its parts and sizes go to stdout."""
    parser = argparse.ArgumentParser(prog="python -m bench.gpu.kit", description=__doc__)
    parser.add_argument(
        "--python-version", default=f"{sys.version_info[0]}.{sys.version_info[1]}", help="of the machine"
    )
    parser.add_argument("--output", type=Path, default=Path("dist/gpu-kit"), help="default: %(default)s")
    options = parser.parse_args()
    began_s = time.monotonic()
    build(options.python_version, options.output)
    for path in sorted(options.output.iterdir()):
        print(f"{path.stat().st_size / 2**20:8.1f} MiB  {path.name}")
    print(f"{options.output}: {time.monotonic() - began_s:.0f} s; on the machine: python {options.output.name}/run.py")


def build(python_version: str, output: Path) -> None:
    """Write the kit into `output`, which is made anew."""
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as folder:
        wheels = Path(folder, "wheels")
        environment = {"python_version": python_version, "python_full_version": f"{python_version}.0"}
        pins = closure([*needed(build_berth(wheels), environment), *OTHERS], environment)
        fetch_wheels(pins, python_version, wheels)
        copy_sources(Path(folder, "source"))
        parts = write_parts([wheels, Path(folder, "source")], output)
    shutil.copyfile(RUN, output / "run.py")
    kit = {"python": python_version, "commit": commit(), "packages": ["berth", *OTHERS], "parts": parts}
    (output / "kit.json").write_text(json.dumps(kit, indent=1) + "\n", encoding="utf-8")


def closure(names: Iterable[str], environment: Mapping[str, str]) -> dict[str, str]:
    """The packages and all that they need, without NOT_CARRIED and its own needs: name -> the version here."""
    found: dict[str, str] = {}
    waiting = list(names)
    while waiting:
        name = canonicalize_name(waiting.pop())
        if name in found or name in NOT_CARRIED:
            continue
        found[name] = importlib.metadata.version(name)
        waiting += needed(importlib.metadata.distribution(name), environment)
    return found


def needed(package: importlib.metadata.Distribution, environment: Mapping[str, str]) -> Iterator[str]:
    """What a package needs in such an environment, without extras."""
    for text in package.requires or ():
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate({**environment, "extra": ""}):
            yield requirement.name


def build_berth(wheels: Path) -> importlib.metadata.Distribution:
    """berth's own wheel, and what it says of itself; CalledProcessError where it cannot be built."""
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(wheels)]
    subprocess.run([*PIP, "wheel", *options, str(REPOSITORY)], check=True)
    (wheel,) = wheels.glob("berth-*.whl")
    (berth,) = importlib.metadata.distributions(path=[str(wheel)])
    return berth


def fetch_wheels(pins: Mapping[str, str], python_version: str, wheels: Path) -> None:
    """The wheels of these versions for that Python; CalledProcessError where one cannot be had."""
    platforms = [f"--platform=manylinux_2_{minor}_x86_64" for minor in GLIBC] + ["--platform=manylinux2014_x86_64"]
    options = ["--quiet", "--no-deps", "--only-binary=:all:", f"--python-version={python_version}", *platforms]
    others = [f"{name}=={version}" for name, version in pins.items()]
    subprocess.run([*PIP, "download", *options, "--dest", str(wheels), *ALSO, *others], check=True)


def copy_sources(target: Path) -> None:
    """What measures, the tests, and the sample's files without its weights: its tokenizer is that of the BERT-base."""
    target.mkdir()
    for name in SOURCES:
        source = REPOSITORY / name
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(source, target / name)
    sample = target / SAMPLE_PACKAGE
    shutil.copytree(installed_folder(), sample / "model", ignore=shutil.ignore_patterns(WEIGHTS))
    (sample / "__init__.py").touch()


def write_parts(folders: Iterable[Path], output: Path) -> dict[str, str]:
    """One tar file of the folders, cut into parts: name -> sha256 (hex), in order."""
    with tempfile.TemporaryFile() as whole:
        with tarfile.open(fileobj=whole, mode="w") as archive:  # wheels are compressed already
            for folder in folders:
                archive.add(folder, folder.name)
        whole.seek(0)
        parts: dict[str, str] = {}
        while data := whole.read(PART_BYTES):
            name = f"kit.tar.{len(parts):02}"
            (output / name).write_bytes(data)
            parts[name] = hashlib.sha256(data).hexdigest()
    return parts


if __name__ == "__main__":
    main()
