"""Versions of one model: how they are ordered, and which of several archives answers by default.

Of the models of one name the first is the default, here as in TorchServe, which takes the first that it is given.
"""

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from ..errors import BerthError
from .content import MANIFEST
from .members import open_archive
from .served_model import ServedModel

PART = re.compile(r"\d+|[A-Za-z]+")
Rank = tuple[tuple[int, int, str], ...]


def rank(version: str) -> Rank:
    """Where a version stands: numbers count as numbers, and letters (2.0rc1) come before what has none (2.0)."""
    parts = [(2, int(part), "") if part.isdigit() else (0, 0, part) for part in PART.findall(version)]
    return (*parts, (1, 0, ""))


def highest_first(archives: Sequence[Path]) -> tuple[Path, ...]:
    """The archives with their names in the same order, and of each name the highest version first.

    What cannot be read stays where it is: whoever verifies it says what is wrong.
    """
    found = {archive: _identity(archive) for archive in archives}
    names = list(dict.fromkeys(name for name, _ in found.values()))
    by_version = sorted(archives, key=lambda archive: rank(found[archive][1]), reverse=True)
    return tuple(sorted(by_version, key=lambda archive: names.index(found[archive][0])))


def default_models(models: Sequence[ServedModel]) -> tuple[ServedModel, ...]:
    """The model of each name that answers who names no version."""
    first: dict[str, ServedModel] = {}
    for model in models:
        first.setdefault(model.name, model)
    return tuple(first.values())


def versions_by_name(models: Iterable[ServedModel]) -> dict[str, list[str]]:
    """Each name's versions as they stand, each once: the first is the default."""
    found: dict[str, list[str]] = {}
    for model in models:
        versions = found.setdefault(model.name, [])
        if model.version not in versions:
            versions.append(model.version)
    return found


def _identity(archive: Path) -> tuple[str, str]:
    """The name and the version that an archive's manifest has; of one that cannot be read its path alone."""
    try:
        with open_archive(archive) as members:
            model = json.loads(members.read(MANIFEST))["model"]
        return str(model["modelName"]), str(model["modelVersion"])
    except (OSError, BerthError, ValueError, LookupError, TypeError):
        return str(archive), ""
