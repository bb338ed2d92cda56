"""Another revision of berth, as its users have it: the wheel of its files, in an environment of its own."""

import shutil
import subprocess
import sys
from pathlib import Path

from handler.precision import Precision

from ..machine import REPOSITORY
from .archives import ARCHIVES, berth_settings, serving
from .environments import ROOT, CannotRun, pip, run
from .peer import Model, Peer, Serve

BASE = "release"


def newest_tag() -> str | None:
    """The last release: the newest tag below this commit; None where there is none."""
    command = ["git", "describe", "--tags", "--abbrev=0"]
    ran = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    return ran.stdout.strip() or None


def base_peer(revision: str) -> Peer:
    """berth of this revision, packing and serving by its own wheel."""

    def prepare(model: Model) -> Serve:
        berth = install(revision)
        archive = ARCHIVES / f"{BASE}.mar"
        run([str(berth), "pack", str(model.folder), "--name", BASE, "--output", str(ARCHIVES), "--force"])
        return lambda _setting: serving(archive, berth)

    return Peer(name=BASE, precision=str(Precision.FP32), settings=berth_settings(), prepare=prepare)


def install(revision: str) -> Path:
    """The `berth` of this revision's wheel, made once; CannotRun where it cannot be built."""
    commit = run(["git", "-C", str(REPOSITORY), "rev-parse", "--verify", f"{revision}^{{commit}}"]).strip()
    folder = ROOT / "environments" / f"berth-{commit[:12]}"
    berth = folder / "bin" / "berth"
    if not berth.is_file():
        shutil.rmtree(folder, ignore_errors=True)
        run([sys.executable, "-m", "venv", str(folder)])
        (site,) = folder.glob("lib/python*/site-packages")
        (site / "lent.pth").write_text("".join(f"{path}\n" for path in packages_of_this()), "utf-8")
        wheel = build(commit, folder / "wheel")
        run([str(folder / "bin" / "python"), *pip("install"), "--no-deps", "--force-reinstall", str(wheel)])
    return berth


def packages_of_this() -> list[str]:
    """Where this Python has its packages: lent as folders, so that an editable install of berth is left out."""
    return [path for path in sys.path if path.endswith("site-packages")]


def build(commit: str, output: Path) -> Path:
    """The wheel of a commit's files, built with this environment's tools."""
    sources = output / "sources"
    sources.mkdir(parents=True)
    archive = subprocess.run(["git", "archive", commit], cwd=REPOSITORY, capture_output=True, check=True).stdout
    subprocess.run(["tar", "-x", "-C", str(sources)], input=archive, check=True)
    run([sys.executable, *pip("wheel"), str(sources), "--no-deps", "--no-build-isolation", "-w", str(output)])
    wheels = list(output.glob("berth-*.whl"))
    if len(wheels) != 1:
        raise CannotRun(f"{commit} made {len(wheels)} wheels of berth; name another revision by BASE")
    return wheels[0]
