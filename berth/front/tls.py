"""The certificate and private key that the front speaks TLS with."""

import re
import ssl
import tempfile
from dataclasses import dataclass
from pathlib import Path

from ..errors import UsageError

BLOCK = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----.+?-----END \1-----", re.DOTALL)
MAX_BYTES = 15_000  # HAProxy takes a new one in one message of its runtime API, of 16 KiB with its command


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificatePair:
    """Two PEM files, which may change: the certificate with those that lead to its CA, and its private key."""

    certificate: Path
    private_key: Path

    def read(self) -> str:
        """Both as they are now; UsageError where one cannot be read."""
        return "".join(_read(path, key) for path, key in self._files)

    def combine(self, text: str) -> str:
        """The PEM file that HAProxy reads, of what `read` returned; UsageError where they do not belong together."""
        combined = "".join(f"{match[0]}\n" for match in BLOCK.finditer(text))
        names = f"{self.certificate} (certificate_file) and {self.private_key} (private_key_file)"
        if len(combined) > MAX_BYTES:
            raise UsageError(f"{names} are more than {MAX_BYTES} bytes: leave out certificates that lead to no CA")
        try:
            _load(combined)
        except (ssl.SSLError, ValueError, OSError) as error:
            raise UsageError(
                f"{names} are no pair that TLS can use: {_reason(error)}; give the PEM files of one certificate, its "
                "key without a passphrase"
            ) from error
        return combined

    @property
    def _files(self) -> tuple[tuple[Path, str], ...]:
        return (self.certificate, "certificate_file"), (self.private_key, "private_key_file")


def _read(path: Path, key: str) -> str:
    try:
        return path.read_text("utf-8") + "\n"
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not PEM"
        raise UsageError(f"{path} ({key}) cannot be read: {reason}; it is a PEM file of TLS") from error


def _load(combined: str) -> None:
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:  # of mode 600
        file.write(combined)
        file.flush()
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(file.name, password=lambda: "")


def _reason(error: Exception) -> str:
    return str(getattr(error, "reason", None) or error).lower().replace("_", " ")
