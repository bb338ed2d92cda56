"""Who may ask the models: whoever has a key, this machine alone, or everybody where somebody said so."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..endpoint import Endpoint
from ..errors import Refused
from ..front.keys import FILE_VARIABLE, KEYS_VARIABLE, KeySource
from ..machine.haproxy import find_haproxy
from ..settings import Settings

NO_KEYS = "--no-keys"
NO_KEYS_VARIABLE = "BERTH_NO_KEYS"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What somebody said of who may ask, who must have signed what is served, and where more of it appears."""

    keys: KeySource | None = None
    no_keys: bool = False
    """Whether addresses that others reach may be open; keys that are given are asked for all the same."""
    signed_by: Path | None = None
    """The public key of whom archives must be signed by; None: of nobody."""
    watched: Path | None = None
    """The folder whose new archives are served too; None: no folder is watched."""


NO_WISH = Wish()


def decide_access(settings: Settings, wish: Wish, environ: Mapping[str, str]) -> KeySource | None:
    """Return the keys, and check what was wished before anything listens.

    Refused where nobody could hold strangers off, or TLS is asked for and TorchServe alone would answer. UsageError for
    keys that are wrong.
    """
    executable, why_not = find_haproxy(environ.get("PATH"))
    if executable is None:
        _require_nothing_of_the_front(settings, wish, why_not)
    if wish.keys:
        wish.keys.parse(wish.keys.read())
    elif not wish.no_keys and (reached := _reached_by_others(settings)):
        raise Refused(
            f"whoever reaches {_listed(reached)} could ask the models without a key: name a file of keys in "
            f"{FILE_VARIABLE}, or say with {NO_KEYS} (or {NO_KEYS_VARIABLE}=1) that it shall be open"
        )
    return wish.keys


def who_may_ask(settings: Settings, keys: KeySource | None) -> str:
    """Say who can reach the models."""
    if keys:
        number = len(keys.parse(keys.read()))
        return f"API keys are asked for: {number} of {keys.file or KEYS_VARIABLE}"
    if not (reached := _reached_by_others(settings)):
        url = settings.inference.url
        return f"no API key is asked for: the models at {url} can be asked from this machine alone"
    return (
        f"no API key is asked for: whoever reaches {_listed(reached)} may ask the models "
        "(workers can be changed from this machine alone)"
    )


def _require_nothing_of_the_front(settings: Settings, wish: Wish, why_not: str) -> None:
    wanted = {
        "API keys are asked for": wish.keys is not None,
        f"{settings.inference.key} is https": settings.certificate is not None,
        "--watch is given": wish.watched is not None,
    }
    if asked := [what for what, is_wanted in wanted.items() if is_wanted]:
        raise Refused(f"{' and '.join(asked)}, but {why_not}: apt-get install haproxy (2.6 or newer)")


def _reached_by_others(settings: Settings) -> list[Endpoint]:
    return [endpoint for endpoint in (settings.inference, settings.grpc_inference) if not endpoint.is_loopback]


def _listed(endpoints: list[Endpoint]) -> str:
    return " or ".join(endpoint.address for endpoint in endpoints)
