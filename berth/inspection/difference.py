"""What differs between two archives: their members, and the facts that these say."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from ..archive.content import Content
from ..archive.members import open_archive
from ..archive.verify import verify_archive
from .facts import read_facts


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One member as one of the two archives has it."""

    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Everything that differs, with the first archive's side before the second's; empty where nothing does."""

    archives: tuple[str, str]
    contents: tuple[str, str]
    """The ids of both contents."""
    added: Mapping[str, Version]
    """Members that only the second archive has."""
    removed: Mapping[str, Version]
    """Members that only the first archive has."""
    changed: Mapping[str, tuple[Version, Version]]
    facts: Mapping[str, tuple[object, object]]
    """What `Facts` says, by its names, where both sides differ."""

    @property
    def is_same(self) -> bool:
        """Whether both hold the same content."""
        return self.contents[0] == self.contents[1]


def compare(first: Path, second: Path) -> Difference:
    """Verify and compare two archives, each a .mar or its unpacked folder; Refused where one is not an archive."""
    (old, old_versions, old_facts), (new, new_versions, new_facts) = _read(first), _read(second)
    shared = sorted(old_versions.keys() & new_versions.keys())
    return Difference(
        archives=(str(first), str(second)),
        contents=(old.id, new.id),
        added={name: new_versions[name] for name in sorted(new_versions.keys() - old_versions.keys())},
        removed={name: old_versions[name] for name in sorted(old_versions.keys() - new_versions.keys())},
        changed={
            name: (old_versions[name], new_versions[name])
            for name in shared
            if old_versions[name] != new_versions[name]
        },
        facts={name: (value, new_facts[name]) for name, value in old_facts.items() if value != new_facts[name]},
    )


def _read(archive: Path) -> tuple[Content, dict[str, Version], dict[str, object]]:
    """An archive's content, its members' digests and sizes, and its facts by their names."""
    content = verify_archive(archive)
    with open_archive(archive) as members:
        versions = {
            name: Version(sha256=digest, size_bytes=members.sizes[name]) for name, digest in content.digests.items()
        }
        return content, versions, asdict(read_facts(members))
