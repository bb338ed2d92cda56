"""What a published architecture of other people's code is called and set in transformers' own class."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

Config = dict[str, object]


class Differs(Exception):
    """A setting that the native class cannot have; str() is what config.json says, and what it would have to say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """One published `auto_map`, and the class of transformers that computes the same."""

    model_type: str
    """As transformers 5 calls it."""
    architectures: Mapping[str, str]
    """Published classes, and transformers' own; a class that is not here is refused."""
    fixed: Mapping[str, object] = field(default_factory=dict)
    """Published settings that the native class has built in; the published code has the same where none is written."""
    required: Mapping[str, object] = field(default_factory=dict)
    """Likewise, but the published code does something else where none is written."""
    settings: Callable[[Config], Config] = dict
    """config.json's settings in the native class's words; Differs where it has none for them."""


def native_config(family: Family, config: Config) -> Config:
    """The config.json of transformers' own class, without an auto_map; Differs where it would compute otherwise."""
    for name, wanted in family.fixed.items():
        _check(name, config.get(name, wanted), wanted)
    for name, wanted in family.required.items():
        _check(name, config.get(name), wanted)
    renamed = config | family.settings(config) | {"model_type": family.model_type}
    published = config.get("architectures")
    if isinstance(published, list):
        renamed["architectures"] = [_class_of(family, name) for name in published[:1]]
    return {name: value for name, value in renamed.items() if name != "auto_map"}


def number(config: Config, name: str, default: float | None = None) -> float:
    """A setting that has to be a number."""
    value = config.get(name, default)
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise Differs(f"{name} is {value!r}, and must be a number")
    return value


def _check(name: str, found: object, wanted: object) -> None:
    if found != wanted:
        raise Differs(f"{name} is {found!r}, and transformers' class computes as with {wanted!r}")


def _class_of(family: Family, published: object) -> str:
    native = family.architectures.get(str(published), published)
    if native not in family.architectures.values():
        raise Differs(f"architectures has {published}, and transformers' class takes {', '.join(family.architectures)}")
    return str(native)
