"""What opens a locked server: the API key that is sent along, and the CA whose certificates are trusted.

Imports no client library.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from ..errors import UsageError

KEY_VARIABLE = "BERTH_API_KEY"
CA_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")  # those of requests, in its order
NO_KEY_HINT = f"; {KEY_VARIABLE}, or api_key=, gives the key"


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """A key, which is never shown, and a file of CA certificates; either may be absent."""

    authorization: str | None = field(default=None, repr=False)
    """The value of the header, or of gRPC's metadata: "Bearer KEY"."""
    ca_file: str | None = None
    """PEM; None: the CAs that the client library trusts."""

    @classmethod
    def find(cls, environ: Mapping[str, str], api_key: str | None = None, ca_file: str | None = None) -> Self:
        """What is given, else what the environment says; UsageError for what cannot be sent or is not there."""
        key, who = (environ.get(KEY_VARIABLE, ""), KEY_VARIABLE) if api_key is None else (api_key, "api_key")
        return cls(authorization=_bearer(key.strip(), who), ca_file=find_ca_file(environ, ca_file))


OPEN = Access()
"""Of a server that is not locked."""


def find_ca_file(environ: Mapping[str, str], ca_file: str | None = None) -> str | None:
    """The file of CA certificates, given or of the environment; UsageError where it does not exist."""
    said = {"ca_file": ca_file} if ca_file else {name: environ.get(name) for name in CA_VARIABLES}
    who, path = next(((name, path) for name, path in said.items() if path), ("", None))
    if path and not Path(path).exists():
        raise UsageError(f"{who}: there is no {os.fspath(path)!r}; name a PEM file of the CA's certificates")
    return path


def _bearer(key: str, who: str) -> str | None:
    """The header's value; the error does not quote the key."""
    if not all("!" <= character <= "~" for character in key):
        raise UsageError(f"{who} is no API key: it has a space, or a character that is not ASCII")
    return f"Bearer {key}" if key else None
