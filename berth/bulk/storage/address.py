"""What is said for a file or a folder: a path of this machine, or an object of a bucket. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

from ...errors import UsageError

SCHEMES = ("gs", "s3")
MAGIC = frozenset("*?[")
OPTIONS = re.compile(r"\?(?=[a-z_]+=)")
"""Where pyarrow's options begin; any other question mark is a glob's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketPath:
    """SCHEME://BUCKET/KEY, or all objects whose keys begin with KEY/. It has what pathlib's have: parts, name, /."""

    scheme: str
    bucket: str
    key: str
    login: str = field(default="", repr=False)
    """What stands before an @, such as anonymous; no message has it."""
    options: str = field(default="", repr=False)
    """pyarrow's own, such as endpoint_override=HOST:PORT&scheme=http."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read an address; UsageError where its scheme is not read or no bucket is named."""
        scheme, _, rest = text.partition("://")
        if scheme not in SCHEMES:
            read = " and ".join(f"{each}://" for each in SCHEMES)
            raise UsageError(f"{text}: {scheme}:// is not read: {read} are, and files of this machine")
        rest, *options = OPTIONS.split(rest, maxsplit=1)
        host, _, key = rest.partition("/")
        login, at, bucket = host.rpartition("@")
        if not bucket:
            raise UsageError(f"{scheme}:// names no bucket: {scheme}://BUCKET/FOLDER")
        return cls(scheme=scheme, bucket=bucket, key=key.strip("/"), login=login + at, options="".join(options))

    @property
    def parts(self) -> tuple[str, ...]:
        """Bucket, folders and name."""
        return (self.bucket, *self.key.split("/")) if self.key else (self.bucket,)

    @property
    def name(self) -> str:
        """The last part."""
        return self.parts[-1]

    @property
    def path(self) -> str:
        """As pyarrow's file systems name it."""
        return "/".join(self.parts)

    def address(self) -> str:
        """What parses as this again."""
        options = f"?{self.options}" if self.options else ""
        return f"{self.scheme}://{self.login}{self.path}{options}"

    def at(self, path: str) -> Self:
        """Another of the same bucket, by pyarrow's name for it."""
        return replace(self, key=path.partition("/")[2])

    def __truediv__(self, name: str) -> Self:
        return self.at(f"{self.path}/{name}")

    def __str__(self) -> str:
        return f"{self.scheme}://{self.path}"


Place = Path | BucketPath
"""Where a file or a folder lies: it has `parts` and `name`, and `str` of it is its name for people."""


def count_fixed(parts: Sequence[str]) -> int:
    """How many parts of a path stand before the first that has a wildcard of a glob; all where none has."""
    return next((number for number, part in enumerate(parts) if MAGIC & set(part)), len(parts))


def parse_place(text: str) -> Place:
    """Read what is said for a file or a folder; UsageError."""
    return BucketPath.parse(text) if "://" in text else Path(text)
