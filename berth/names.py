"""Names for what a user brought along, beside our own, so that neither is lost. Pure."""

from collections.abc import Collection

PREFIX = "input_"


def beside(name: str, taken: Collection[str]) -> str:
    """`name`, with `input_` before it where it is one of `taken`; `input_NAME` gets another then: NAME may come too.

    So no two names become one, and a name becomes the same whatever else a line has.
    """
    _, root = _split(name)
    depths = [depth for depth, each in map(_split, taken) if each == root]
    return PREFIX * (max(depths) + 1) + name if depths else name


def _split(name: str) -> tuple[int, str]:
    """How many `input_` stand before a name, and the name."""
    depth = 0
    while name.startswith(PREFIX):
        name, depth = name.removeprefix(PREFIX), depth + 1
    return depth, name
