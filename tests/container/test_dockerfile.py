"""hadolint has nothing to say about the Dockerfile, and its torch layer has every pin that it needs."""

import re
import sys
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from .podman import ROOT, run


def hadolint(path: Path) -> str:
    return run(str(Path(sys.executable).with_name("hadolint")), str(path), check=False).stdout


def test_hadolint_is_content() -> None:
    assert hadolint(ROOT / "Dockerfile") == ""


def test_hadolint_would_say_so(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM debian:latest\nRUN apt-get install python3\n")
    assert "DL3007" in hadolint(tmp_path / "Dockerfile")


def canonical(names: Iterable[str]) -> set[str]:
    return {canonicalize_name(name) for name in names}


def needed_by(name: str) -> set[str]:
    """A package and all that it needs, without extras."""
    needed = (Requirement(line) for line in metadata.requires(name) or [])
    names = [one.name for one in needed if not one.marker or one.marker.evaluate({"extra": ""})]
    return {name}.union(*map(needed_by, names))


def test_the_torch_layer_has_the_pins_of_torch_and_what_it_needs() -> None:
    (names,) = re.findall(r"grep -E '\^\((.*)\)=='", (ROOT / "Dockerfile").read_text())
    pinned = canonical(re.findall(r"^(\S+)==", (ROOT / "constraints.txt").read_text(), re.MULTILINE))
    assert canonical(names.split("|")) == canonical(needed_by("torch")) & pinned


def test_the_build_takes_every_argument_that_make_passes_on() -> None:
    asked = [f"{name}=x" for name in ("ENGINE", "BASE", "BERTH_PRECISION", "EXTRAS", "PIP_EXTRA_INDEX_URL", "PIP_CERT")]
    command = run("make", "--dry-run", "-C", str(ROOT), "image", *asked).stdout
    passed = set(re.findall(r"--build-arg (\w+)=", command))
    assert {"BERTH_PRECISION", "EXTRAS", "MODEL"} <= passed
    assert passed <= set(re.findall(r"^ARG (\w+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE))
