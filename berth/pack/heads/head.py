"""A head that the user gave for a checkpoint with --head NAME=ADDRESS."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...errors import UsageError
from ..checkpoint import Checkpoint

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_\-.]{0,99}")


@dataclass(frozen=True, slots=True, kw_only=True)
class FurtherHead:
    """A head beside the one that answers by default."""

    name: str
    checkpoint: Checkpoint
    """The whole that it came from: transformers is asked for its known answers."""
    members: Mapping[str, Path]
    """What the archive's folder of this head holds."""


def parse_heads(values: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Names and addresses of NAME=ADDRESS; UsageError where that is not said, or a name twice."""
    heads: dict[str, str] = {}
    for value in values:
        name, _, address = value.partition("=")
        if not address or not NAME.fullmatch(name):
            raise UsageError(
                f"--head {value}: write NAME=FOLDER; a name has letters, digits, _, - and ., and begins with a letter "
                "or digit"
            )
        if name in heads:
            raise UsageError(f"--head {name} is given twice: give each head a name of its own")
        heads[name] = address
    return tuple(heads.items())
