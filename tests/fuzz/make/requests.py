"""A request as it goes over the wire, and how it is shown so that it can be sent again. Pure."""

import json
import shlex
from dataclasses import dataclass, field
from typing import Any

from tests.fuzz.models import Target

MAX_SHOWN_BYTES = 1500
HOST = "127.0.0.1:8080"
"""Where a shown request goes: berth's default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RestRequest:
    """One over HTTP: what any client could send on a connection of its own."""

    door: str
    target: Target
    path: str
    """With the query; as it stands in the request, in latin-1."""
    body: bytes
    method: str = "POST"
    headers: tuple[tuple[str, str], ...] = ()
    """In latin-1."""
    is_good: bool = False
    """Nothing was changed: it has to be answered."""

    def header(self, name: str) -> str | None:
        """The last of that name in lower case."""
        found = [value for key, value in self.headers if key.lower() == name]
        return found[-1] if found else None

    @property
    def is_form(self) -> bool:
        """Whether the frontend reads it as a form: by its content type alone."""
        return "form" in (self.header("content-type") or "").lower()

    def to_bytes(self) -> bytes:
        """The whole request."""
        chunked = self.header("transfer-encoding") == "chunked"
        lines = [f"{self.method} {self.path} HTTP/1.1", f"host: {HOST}"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        lines += [] if chunked else [f"content-length: {len(self.body)}"]
        chunks = b"%x\r\n%s\r\n" % (len(self.body), self.body) if self.body else b""
        body = chunks + b"0\r\n\r\n" if chunked else self.body
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + body

    def __str__(self) -> str:
        words = ["curl", "-i", "-X", self.method, f"http://{HOST}{self.path}"]
        for name, value in self.headers:
            words += ["-H", f"{name}: {value}"]
        return f"printf '{_to_octal(self.body)}' | {shlex.join(words)} --data-binary @-"


@dataclass(frozen=True, slots=True, kw_only=True)
class GrpcRequest:
    """One call of a gRPC method."""

    door: str
    target: Target
    method: str
    """Its full name in the .proto."""
    fields: dict[str, Any] = field(default_factory=dict)
    is_good: bool = False

    def __str__(self) -> str:
        shown = json.dumps(self.fields, default=lambda value: value.decode("latin-1"))
        return f"{self.method} {shown[:MAX_SHOWN_BYTES]}"


def _to_octal(body: bytes) -> str:
    """The beginning, for printf between single quotes."""
    plain = frozenset(range(32, 127)) - set(b"%'\\")
    shown = "".join(chr(byte) if byte in plain else f"\\{byte:03o}" for byte in body[:MAX_SHOWN_BYTES])
    return shown + (f"...{len(body)} bytes" if len(body) > MAX_SHOWN_BYTES else "")
