"""What an archive holds, and the list of digests that identifies it. PURE: no disk, no environment."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..errors import Refused
from .zip_layout import check_name

MANIFEST = "MAR-INF/MANIFEST.json"
SUMS = "MAR-INF/SHA256SUMS"
SIGNATURE_SUFFIX = ".sig"  # beside an archive, and beside its unpacked folder
CHECKPOINT = "checkpoint"
HEADS = "heads"  # in it, with a folder for each further head
KNOWN_ANSWERS = "known_answers.json"
MODEL_CONFIG = "model-config.yaml"
REQUIREMENTS = "requirements.txt"
HANDLER = "handler.bert_handler"
# TorchServe's side of model-config.yaml. maxBatchDelay in ms (0 would mean 100): a full queue becomes full
# batches, and a lone request waits 1 ms. Time-outs in seconds: 64 texts of 512 tokens take BERT-base about
# 50 s on 2 cores; a worker that keeps dying shows in /ping after 30 s, where the default of 300 hides it.
SERVER_SETTINGS = {
    "batchSize": 64,
    "maxBatchDelay": 1,
    "responseTimeout": 60,
    "startupTimeout": 300,
    "maxRetryTimeoutInSec": 30,
}
_SUM = re.compile(r"([0-9a-f]{64})  (.+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One file of the archive: its path there, and the file or the bytes that it comes from."""

    name: str
    source: Path | bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivePlan:
    """Every member but the digest list, which follows from what is written; sorted by name."""

    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What an archive holds, once verified."""

    digests: Mapping[str, str]
    """Member -> sha256 (hex), the digest list itself excepted."""

    @property
    def id(self) -> str:
        """The sha256 (hex) of the digest list: equal for equal content."""
        return hashlib.sha256(self.to_sums()).hexdigest()

    def to_sums(self) -> bytes:
        """The digest list, sorted, as `sha256sum` writes it: `sha256sum -c` checks an unpacked archive."""
        return "".join(f"{digest}  {name}\n" for name, digest in sorted(self.digests.items())).encode()

    @classmethod
    def from_sums(cls, sums: bytes) -> "Content":
        """The content that a digest list names; Refused unless it is exactly as `to_sums` writes it."""
        lines = [_SUM.fullmatch(line) for line in sums.decode("ascii", "replace").splitlines()]
        content = cls(digests={line[2]: line[1] for line in lines if line})
        for name in content.digests:
            check_name(name)
        if content.to_sums() != sums or not content.digests:
            raise Refused(f"member {SUMS} is altered: it is not a sorted list of digests and paths")
        return content
