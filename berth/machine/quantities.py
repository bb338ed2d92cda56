"""Amounts of memory, read as Kubernetes writes them and written for people."""

import re

from ..errors import UsageError

KIB, MIB, GIB = 2**10, 2**20, 2**30
# https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
_SUFFIXES = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "Ki": KIB, "Mi": MIB, "Gi": GIB, "Ti": 2**40}
_QUANTITY = re.compile(rf"(\d+(?:\.\d+)?)({'|'.join(_SUFFIXES)})")


def parse_quantity(text: str) -> int:
    """Read an amount as Kubernetes writes it (2Gi, 512Mi, 4G, 1.5Gi); UsageError for anything else."""
    match = _QUANTITY.fullmatch(text)
    if not match or not float(match[1]):
        raise UsageError(f"{text!r} is not an amount of memory: write it as Kubernetes does, such as 2Gi or 512Mi")
    return int(float(match[1]) * _SUFFIXES[match[2]])


def format_bytes(amount: int) -> str:
    """Write an amount for people, in Kubernetes' units."""
    return f"{amount / GIB:.2f} GiB" if amount >= GIB else f"{amount / MIB:.0f} MiB"
