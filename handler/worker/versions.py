"""Are the packages in this worker ones that the archive was made for? Ranges bind; the exact versions only warn."""

import logging
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from packaging.requirements import Requirement

from ..errors import VersionError

logger = logging.getLogger(__name__)


def check_versions(requires: Iterable[str], requirements: Path) -> None:
    """Raise VersionError for a package outside `requires`; warn for one that differs from requirements.txt."""
    for line in requires:
        wanted = Requirement(line)
        if not wanted.specifier.contains(_installed(wanted), prereleases=True):
            raise VersionError(
                f"{wanted.name} {_installed(wanted)} is installed, and this archive needs {line}: install a version "
                "in that range, or pack the checkpoint again with the berth that is installed here"
            )
    for line in requirements.read_text("utf-8").split():
        packed = Requirement(line)
        if not packed.specifier.contains(_installed(packed), prereleases=True):
            logger.warning("installed=%s packed=%s: the known answers decide", _installed(packed), line)


def _installed(requirement: Requirement) -> str:
    try:
        return version(requirement.name)
    except PackageNotFoundError:
        raise VersionError(f"{requirement.name} is not installed, and this archive needs {requirement}") from None
