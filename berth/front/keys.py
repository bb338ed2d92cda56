"""API keys: read from a file or the environment, and kept as SHA-256. A key itself is in no file, log or error of ours.

A line is NAME KEY [REQUESTS_PER_SECOND]; sha256:HEX may stand for KEY; # begins a comment.
"""

import hashlib
import re
from collections.abc import Iterator, MutableMapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from ..errors import UsageError

FILE_VARIABLE = "BERTH_API_KEYS_FILE"
KEYS_VARIABLE = "BERTH_API_KEYS"
NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
KEY = re.compile(r"[!-~]+")  # what a header carries, without spaces
DIGEST = re.compile(r"sha256:([0-9a-fA-F]{64})")
RATE = re.compile(r"[1-9][0-9]{0,5}")
FORM = "a line is NAME KEY [REQUESTS_PER_SECOND], and sha256:HEX may stand for KEY"
TABLE = "key_rates"
# What probes ask: it says whether the server is there and ready, and nothing more.
OPEN_PATHS = ("/ping", "/health", "/v2/health/live", "/v2/health/ready")
# The page and the API's description, which are the same for everybody; what the page asks needs the key.
OPEN_PAGES = ("/ui", "/ui/", "/docs", "/openapi.json")
OPEN_FILES = "^/ui/static/[a-z0-9_/-]+[.][a-z]+$"  # no other path, however it is written
IS_OPEN = "is_open"
OPEN_GRPC = "/grpc.health.v1.Health/"
MAX_KEYLESS = 8  # calls at once that are told to bring a key
MESSAGE_S = 15
PREFIX_BYTES = 5  # before a message: a flag, and its length
MAX_OPEN_BYTES = 1024  # the name of a service, which may be compressed


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """One key, of which only the digest is known."""

    name: str
    """Whose it is; several keys may have one name, as while one is replaced."""
    sha256: str
    """In capital letters, as HAProxy writes it."""
    per_second: int | None
    """Requests that the name may send in a second; None: as many as are answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySource:
    """Where the keys are written: in a file that may change, or in the environment."""

    file: Path | None
    text: str

    @classmethod
    def take(cls, environ: MutableMapping[str, str]) -> Self | None:
        """What the environment says, and the keys out of it, so that no child inherits them; None: there are none."""
        text, file = environ.pop(KEYS_VARIABLE, None), environ.get(FILE_VARIABLE)
        if text is not None and file is not None:
            raise UsageError(f"{KEYS_VARIABLE} and {FILE_VARIABLE} are both set: keys are in one of them")
        if text is None and file is None:
            return None
        return cls(file=None if file is None else Path(file).absolute(), text=(text or "").replace(";", "\n"))

    def read(self) -> str:
        """The lines as they are now; UsageError where the file cannot be read."""
        try:
            return self.file.read_text("utf-8") if self.file else self.text
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            raise UsageError(
                f"{self.file} ({FILE_VARIABLE}) cannot be read: {reason}; it holds the API keys"
            ) from error

    def parse(self, text: str) -> tuple[ApiKey, ...]:
        """Make keys of lines; UsageError names the line that is wrong, and quotes nothing of it."""
        where = f"{self.file}" if self.file else KEYS_VARIABLE
        keys = tuple(_parse_lines(text, where))
        if not keys:
            raise UsageError(f"{where} holds no API key: {FORM}")
        if len({key.sha256 for key in keys}) < len(keys):
            raise UsageError(f"{where} holds the same key twice: give each client a key of its own")
        return keys


def render_map(keys: Sequence[ApiKey]) -> str:
    """HAProxy's map from digests to names and rates: DIGEST NAME[:REQUESTS_PER_SECOND]."""
    return "".join(f"{key.sha256} {key.name}{f':{key.per_second}' if key.per_second else ''}\n" for key in keys)


def key_lines(keys_map: Path | None, unless: str) -> Iterator[str]:
    """Write how a frontend asks for a key; `unless`: a condition on what is open. No key goes on to TorchServe."""
    if keys_map:
        yield f"    http-request set-var(txn.entry) http_auth_bearer,sha2(256),hex,map_str({keys_map})"
        yield "    http-request set-var(txn.key) var(txn.entry),word(1,:) if { var(txn.entry) -m found }"
        yield "    http-request set-var(txn.rate) var(txn.entry),word(2,:) if { var(txn.entry) -m found }"
        yield f"    http-request set-var(txn.refusal) str(key) if !{{ var(txn.key) -m found }} !{unless}"
        yield f"    http-request track-sc0 var(txn.key) table {TABLE} if {{ var(txn.key) -m found }}"
        yield (
            "    http-request set-var(txn.refusal) str(rate) if { var(txn.rate) -m found } "
            f"{{ sc0_gpc0_rate({TABLE}),sub(txn.rate) ge 0 }}"
        )
        yield "    http-request sc-inc-gpc0(0) if { var(txn.key) -m found } !{ var(txn.refusal) -m found }"
    yield "    http-request del-header authorization"
    yield "    http-request del-header x-api-key"


def open_lines() -> Iterator[str]:
    """Write what is open to everybody, as the condition IS_OPEN."""
    yield f"    acl {IS_OPEN} path {' '.join((*OPEN_PATHS, *OPEN_PAGES))}"
    yield f"    acl {IS_OPEN} path_reg {OPEN_FILES}"


def open_grpc_lines() -> Iterator[str]:
    """Write that a call which needs no key is let in whole, and short."""
    is_open = f"{{ path_beg {OPEN_GRPC} }}"
    yield f"    http-request wait-for-body time {MESSAGE_S}s if {is_open}"
    yield f"    http-request deny deny_status 413 if {is_open} !{{ req.body_size {PREFIX_BYTES}:{MAX_OPEN_BYTES} }}"


def rate_table_lines() -> Iterator[str]:
    """Write the table of how many requests of each name were let through in the last second."""
    yield f"backend {TABLE}"
    yield "    stick-table type string len 64 size 10k expire 10s store gpc0,gpc0_rate(1s)"


def _parse_lines(text: str, where: str) -> Iterator[ApiKey]:
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.partition("#")[0].split()
        if words:
            yield _parse_words(words, f"{where}, line {number}")


def _parse_words(words: Sequence[str], where: str) -> ApiKey:
    name, key, *rate = words if len(words) > 1 else (*words, "")
    if not (NAME.fullmatch(name) and KEY.fullmatch(key)) or len(rate) > 1:
        raise UsageError(f"{where}: {FORM}; a name has up to 64 letters, digits, dots, dashes or underscores")
    if rate and not RATE.fullmatch(rate[0]):
        raise UsageError(f"{where}: the requests per second of {name} are a whole number from 1 to 999999")
    digest = DIGEST.fullmatch(key)
    if key.startswith("sha256:") and not digest:
        raise UsageError(f"{where}: after sha256: stand the 64 hexadecimal digits of the key's SHA-256")
    sha256 = digest[1] if digest else hashlib.sha256(key.encode("ascii")).hexdigest()
    return ApiKey(name=name, sha256=sha256.upper(), per_second=int(rate[0]) if rate else None)
