"""A file of the run folder that HAProxy has read, made anew when what it was made of changes."""

import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ..console import say
from ..errors import BerthError
from .config import CERTIFICATE, KEYS_MAP, RUNTIME
from .keys import KeySource, render_map
from .plan import FrontPlan
from .runtime import replace_certificate, replace_map
from .tls import CertificatePair

READABLE_BY_US = 0o600


@dataclass(kw_only=True)
class ReloadedFile:
    """`make` says what of `read`'s text belongs into the file, and `install` tells it to the running HAProxy."""

    name: str
    """For sentences: "the API keys"."""
    path: Path
    read: Callable[[], str]
    make: Callable[[str], str]
    install: Callable[[Path, str], None]
    _digest: bytes = b""
    _complaint: str = ""

    def write(self) -> None:
        """Write it for the first time; BerthError where what it is made of is wrong."""
        text = self.read()
        self._write(self.make(text))
        self._digest = _digest(text)

    def look(self) -> None:
        """Take up what has changed; where that is wrong, say so once and leave everything as it is."""
        try:
            text = self.read()
            if _digest(text) != self._digest:
                self._change(text)
            self._complaint = ""
        except (BerthError, OSError) as error:  # the disk may be full
            if str(error) != self._complaint:
                say(f"{self.name} stay as they were: {error}")
            self._complaint = str(error)

    def _change(self, text: str) -> None:
        content = self.make(text)
        self._write(content)  # first: an HAProxy that is started again reads it
        self.install(Path(self.path.parent.name, self.path.name), content)  # as its configuration names it
        self._digest = _digest(text)
        say(f"{self.name} have changed, and the new ones are in force")

    def _write(self, content: str) -> None:
        draft = self.path.with_suffix(".draft")
        draft.unlink(missing_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, READABLE_BY_US), "w") as file:
            file.write(content)
        draft.rename(self.path)


def reloaded_files(plan: FrontPlan, folder: Path) -> Iterator[ReloadedFile]:
    """List what a front has of this kind: the API keys, and the certificate with its key."""
    settings, runtime = plan.outside, folder / RUNTIME
    if plan.keys:
        yield ReloadedFile(
            name="the API keys",
            path=folder / KEYS_MAP,
            read=plan.keys.read,
            make=partial(_make_map, plan.keys),
            install=partial(replace_map, runtime),
        )
    if settings.certificate and settings.private_key:
        pair = CertificatePair(certificate=settings.certificate, private_key=settings.private_key)
        yield ReloadedFile(
            name="the certificate and its key",
            path=folder / CERTIFICATE,
            read=pair.read,
            make=pair.combine,
            install=partial(replace_certificate, runtime),
        )


def _make_map(keys: KeySource, text: str) -> str:
    return render_map(keys.parse(text))


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "replace")).digest()
