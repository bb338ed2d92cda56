"""A model as the Hub keeps it: commits, branches, files, and the digests that it names."""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

WEIGHTS = "model.safetensors"
LARGE = (".safetensors", ".bin", ".model", "tokenizer.json")
"""What git-lfs keeps: it is named by its sha256, and answered by a redirect to another host."""


def git_sha1(data: bytes) -> str:
    """git's name of a file's content."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


@dataclass
class Repository:
    """Files of one commit, whose hash is made of them."""

    files: dict[str, bytes]
    branches: tuple[str, ...] = ("main",)
    token: str | None = None
    """Who sends another, or none, is told that there is no such model."""
    gated: bool = False
    """Everybody may see that it is there; nobody is on its list."""
    cuts: list[int] = field(default_factory=list)
    """After how many bytes each of the next downloads of its weights is cut off."""
    altered: dict[str, bytes] = field(default_factory=dict)
    """By a file's name: what is sent in the place of its content."""
    commit: str = field(init=False)

    def __post_init__(self) -> None:
        names = "".join(f"{name} {git_sha1(data)}\n" for name, data in sorted(self.files.items()))
        self.commit = hashlib.sha1(names.encode(), usedforsecurity=False).hexdigest()

    def has(self, revision: str) -> bool:
        """Whether it is a branch or the commit, whole."""
        return revision in self.branches or revision == self.commit

    def digest(self, name: str) -> str:
        """The digest that the Hub names, in its list and as the ETag."""
        data = self.files[name]
        return hashlib.sha256(data).hexdigest() if name.endswith(LARGE) else git_sha1(data)

    def entry(self, name: str) -> dict[str, object]:
        """One of the siblings of /api/models/NAME?blobs=true."""
        data = self.files[name]
        row: dict[str, object] = {"rfilename": name, "size": len(data), "blobId": git_sha1(data)}
        if name.endswith(LARGE):
            row["lfs"] = {"sha256": self.digest(name), "size": len(data), "pointerSize": 134}
        return row


def read_repository(folder: Path) -> Repository:
    """All files of a folder as a model."""
    names = [path for path in folder.rglob("*") if path.is_file()]
    return Repository({path.relative_to(folder).as_posix(): path.read_bytes() for path in names})
