"""The kinds of folder, a file for each family: each holds KINDS, a tuple of Kind."""

import importlib
import pkgutil

from ..kind import Kind


def every_kind() -> tuple[Kind, ...]:
    """All kinds, family by family."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    families = [importlib.import_module(f"{__name__}.{name}").KINDS for name in names]
    return tuple(kind for family in families for kind in family)
