"""The digest of a file as the Hub names it: sha256 of what git-lfs or Xet keeps, git's sha1 of every other file."""

import hashlib
import re
from pathlib import Path

CHUNK_BYTES = 2**20
SHA256, GIT_SHA1 = re.compile(r"[0-9a-f]{64}"), re.compile(r"[0-9a-f]{40}")


def is_digest(name: str) -> bool:
    """Whether `name` is a digest of either kind, as the names of the cache's blobs are."""
    return bool(SHA256.fullmatch(name) or GIT_SHA1.fullmatch(name))


def has_digest(file: Path, digest: str) -> bool:
    """Whether the content of `file` has `digest`, whose length tells its kind."""
    hashed = hashlib.sha256()
    if not SHA256.fullmatch(digest):
        hashed = hashlib.sha1(b"blob %d\0" % file.stat().st_size, usedforsecurity=False)  # as `git hash-object`
    with file.open("rb") as opened:
        while chunk := opened.read(CHUNK_BYTES):
            hashed.update(chunk)
    return hashed.hexdigest() == digest
