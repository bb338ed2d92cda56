"""The form of an archive, as its own model-config.yaml says it: a berth that is too old for one says so.

It is read before an archive is verified, for a newer form may have to be verified otherwise. Nothing else is taken from
what is read here; where nothing can be read, the verifier says what is wrong.
"""

import re
import zipfile
from collections.abc import Mapping
from pathlib import Path

from .. import __version__
from ..errors import Refused
from .content import MODEL_CONFIG
from .foreign import check_own

# What an archive holds and how it is laid out. Add 1 when a berth that knows only the old form would misread the new.
# 2: the handler's deep check has an address of its own, where that of form 1 is a request without a body.
FORM = 2
SECTION = "berth"
MAX_CONFIG_BYTES = 1 << 18  # prompts are in it too
VERSION = re.compile(r"[\w.+-]{1,40}")


def absent(archive: Path) -> Refused:
    """The refusal of a path where nothing lies."""
    packed = archive.with_name(f"{archive.name}.mar")
    if packed.exists():
        return Refused(f"{archive} does not exist, but {packed.name} beside it does: name that")
    return Refused(f"{archive} does not exist: pack a checkpoint with `berth pack`, or give another path")


def form_section(origin: Mapping[str, str]) -> dict[str, object]:
    """What berth says for itself in model-config.yaml; TorchServe passes over keys that it does not know.

    `origin` is where the checkpoint came from, for people to read: nothing depends on it.
    """
    return {"form": FORM, "version": __version__, **origin}


def check_form(archive: Path) -> None:
    """Refused when a .mar or an unpacked folder has a form that this berth does not know.

    One without a form is read as form 1: no berth but unreleased ones packed it, or it has a handler of its own. One
    that another tool packed is refused as such.
    """
    match _read_section(archive):
        case None:
            check_own(archive)
        case {"form": int(form), "version": str()} if 1 <= form <= FORM:
            return
        case {"form": int(form), "version": str(version)} if VERSION.fullmatch(version):
            raise Refused(
                f"{archive} was packed by berth {version} in form {form}, and this is berth {__version__}, which knows "
                f"form {FORM} only: install berth {version}, or pack the checkpoint again with this one"
            )
        case _:  # not quoted: what is not verified may be anything, and YAML's aliases make gigabytes of a few lines
            raise Refused(
                f"{archive}: {SECTION} in {MODEL_CONFIG} is not as any berth writes it: pack the checkpoint again with "
                "`berth pack`"
            )


def read_form(archive: Path) -> int:
    """Return the form of an archive that check_form has taken."""
    section = _read_section(archive)
    return int(section["form"]) if isinstance(section, dict) else 1


def _read_section(archive: Path) -> object:
    """What berth says for itself in model-config.yaml; None where it says nothing, or nothing can be read."""
    import yaml  # noqa: PLC0415 - `berth --help` answers at once

    try:
        if archive.is_dir():
            return yaml.safe_load(_read_file(archive / MODEL_CONFIG)).get(SECTION)
        with zipfile.ZipFile(archive) as opened, opened.open(MODEL_CONFIG) as file:
            return yaml.safe_load(file.read(MAX_CONFIG_BYTES)).get(SECTION)
    except Exception:  # noqa: BLE001 - zipfile and yaml raise a dozen kinds, and the verifier looks at every byte
        return None


def _read_file(path: Path) -> bytes:
    """The beginning of a regular file, which the folder of an archive that is not verified may not hold."""
    if not path.is_file():
        return b""
    with path.open("rb") as file:
        return file.read(MAX_CONFIG_BYTES)
