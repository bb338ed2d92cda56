"""What `berth serve` was asked for, checked before it listens, unpacks or asks torch: settings, archives, memory."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..archive.form import check_form
from ..archive.verify import read_content
from ..console import say
from ..errors import Refused
from ..front.keys import KeySource
from ..machine.quantities import parse_quantity
from ..settings import Settings, find_config
from .access import NO_WISH, Wish, decide_access


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Settings that can be served, and archives."""

    settings: Settings
    archives: tuple[Path, ...]
    memory: str | None
    """How much it may take, as Kubernetes writes it; None: what the machine grants."""
    keys: KeySource | None
    """Where the API keys are; None: nobody is asked for one."""
    signed_by: Path | None
    """The public key of whom the archives must be signed by; None: of nobody."""


def read_request(
    archives: Sequence[Path],
    config: Path | None,
    memory: str | None,
    wish: Wish = NO_WISH,
    environ: Mapping[str, str] = os.environ,
) -> Request:
    """Check the arguments and the settings that they name; UsageError or Refused says which one is wrong."""
    if memory:
        parse_quantity(memory)
    path = find_config(config)
    say(f"settings from {path}")
    settings = Settings.load(path, environ)
    wanted = settings.choose_archives(archives)
    keys = decide_access(settings, wish, environ)
    return Request(settings=settings, archives=wanted, memory=memory, keys=keys, signed_by=wish.signed_by)


def require_archives(archives: Sequence[Path]) -> None:
    """Refused for what is not there, cannot be read, or is none of our archives by its first and last bytes."""
    for archive in archives:
        _require_archive(archive)


def _require_archive(archive: Path) -> None:
    try:
        if archive.is_dir():
            check_form(archive)
        else:
            read_content(archive)
    except OSError as error:
        raise Refused(f"{archive} cannot be read: {error.strerror}; check the path and its permissions") from error
