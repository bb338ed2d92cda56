"""One address that a server listens on; and how an address may be shown."""

import re
from dataclasses import dataclass, replace
from ipaddress import ip_address
from typing import Self
from urllib.parse import urlsplit

# All before the last @ where a user or a password stands: one that is not quoted may hold @, / and spaces itself.
CREDENTIALS = re.compile(r"(?<=//)(?=[^/\s]*@|[^/\s:\[]+:(?!\s|\d{1,5}(?:[/\s:]|$))).*@")

# As TorchServe reads it, with the port that it calls optional; it refuses 65535 (pytorch/serve, util/Connector.java).
HTTP_ADDRESS = re.compile(r"(?P<scheme>https?)://(?P<host>[^:/^@\[\]\s]+):(?P<port>[0-9]{1,5})")
IN_BRACKETS = (
    ": TorchServe takes no IPv6 address for HOST, but 0.0.0.0 listens on IPv6 too, and so does a name of /etc/hosts "
    "that stands for an address"
)
NO_HOST = ": HOST is a name of labels with 1 to 63 characters each, with a dot between them, or an address"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One address that TorchServe listens on, and the key of config.properties that says so."""

    key: str
    host: str
    port: int
    scheme: str = "http"
    """https where clients speak TLS."""

    @classmethod
    def parse(cls, key: str, address: str) -> Self:
        """Parse HOST:PORT or [HOST]:PORT; ValueError when it is neither."""
        parts = urlsplit(f"//{address}")
        if parts.netloc != address or not parts.hostname or not parts.port or not is_host(parts.hostname):
            raise ValueError(address)
        return cls(key=key, host=parts.hostname, port=parts.port)

    @classmethod
    def parse_http(cls, key: str, address: str, *, tls: bool = False) -> Self:
        """Parse http://HOST:PORT, with `tls` https:// too; ValueError, which says the rule, when it is none."""
        found = HTTP_ADDRESS.fullmatch(address)
        is_right = found and 0 < int(found["port"]) < 65535 and (tls or found["scheme"] == "http")
        if found and is_right and is_host(found["host"]):
            return cls(key=key, host=found["host"], port=int(found["port"]), scheme=found["scheme"])
        or_tls = ", or with https" if tls else ""
        about = NO_HOST if is_right else IN_BRACKETS if "[" in address else ""
        raise ValueError(f"it is http://HOST:PORT and no more{or_tls}{about}")

    @property
    def url(self) -> str:
        """The URL by which a client on this machine reaches it."""
        wildcard = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared, not bound
        return f"{self.scheme}://{replace(self, host=wildcard.get(self.host, self.host)).address}"

    @property
    def address(self) -> str:
        """HOST:PORT as `parse` reads it, with an IPv6 address in brackets."""
        return self.with_port(str(self.port))

    def with_port(self, port: str) -> str:
        """The same with another port, or with a word that stands for one."""
        return f"[{self.host}]:{port}" if ":" in self.host else f"{self.host}:{port}"

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        return self.host.lower() == "localhost" or _is_loopback_address(self.host)


def is_host(text: str) -> bool:
    """Whether a resolver takes it: Python's raises UnicodeError for an empty label, and for one above 63 characters."""
    try:
        return bool(text.encode("idna")) and text.isprintable()
    except UnicodeError:
        return False


def _is_loopback_address(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def without_credentials(text: str) -> str:
    """An address, or a sentence with one, as it may be shown and kept in an archive."""
    return CREDENTIALS.sub("", text)
