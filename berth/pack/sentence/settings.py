"""Whether a module's settings are those that berth serves: the value that there may be of each."""

from collections.abc import Mapping
from pathlib import Path

from ...checkpoint_files import load_json
from ...errors import Refused

ANY_VALUE = object()


def check_settings(path: Path, served: Mapping[str, object]) -> dict[str, object]:
    """The settings in `path`; Refused for one that would make other vectors than ours.

    `served` has the one value that is served of each, ANY_VALUE, or for an object the names that it may have, as a
    frozenset. A setting that is absent, null, false or empty changes nothing.
    """
    settings = load_json(path)
    for name, value in settings.items():
        if value:
            _check(path, name, value, served)
    return settings


def _check(path: Path, name: str, value: object, served: Mapping[str, object]) -> None:
    if name not in served:
        raise Refused(f"{path} sets {name} to {value!r}, which berth does not know: its answers might differ; {CURE}")
    wanted = served[name]
    if isinstance(wanted, frozenset):
        _check_names(path, name, value, wanted)
    elif wanted not in (ANY_VALUE, value):
        raise Refused(f"{path} sets {name} to {value!r}; berth serves {wanted!r} only; {CURE}")


def _check_names(path: Path, name: str, value: object, names: frozenset[str]) -> None:
    """Refused when an object has names that would change answers."""
    others = sorted(set(value) - names) if isinstance(value, dict) else [repr(value)]
    if others:
        raise Refused(f"{path} sets {others[0]} in {name}, which berth does not serve; {CURE}")


CURE = "take it out if the model was trained without it, or serve the model with sentence-transformers"
