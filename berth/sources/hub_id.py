"""What names a model of the Hugging Face Hub: `org/name`, or `org/name@revision`."""

import re
from dataclasses import dataclass

from ..checkpoint_files import HUB_ID

REVISION = re.compile(r"[\w./-]+")


@dataclass(frozen=True, slots=True)
class HubId:
    """A model of the Hub, perhaps at a branch, a tag or a commit."""

    repository: str
    revision: str | None = None

    @property
    def name(self) -> str:
        """The name without the organisation."""
        return self.repository.rsplit("/", 1)[-1]

    def __str__(self) -> str:
        return self.repository if self.revision is None else f"{self.repository}@{self.revision}"


def parse_hub_id(address: str) -> HubId | None:
    """The model that `address` names; None when it cannot be one's name."""
    repository, mark, revision = address.partition("@")
    if not HUB_ID.fullmatch(repository) or repository.startswith((".", "-")) or repository.endswith("."):
        return None
    if mark and not REVISION.fullmatch(revision):
        return None
    return HubId(repository, revision or None)
