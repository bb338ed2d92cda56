"""An adapter's base is brought beside it: a local folder or a model of the Hub, as adapter_config.json names it."""

from pathlib import Path

from ..checkpoint_files import HUB_ID, TOKENIZER_FILES, VOCABULARY_FILES, load_json
from ..errors import Refused
from ..progress import Progress
from ..sources.source import opened
from .copying import copy_folder
from .folders import ADAPTER_CONFIG, ADAPTER_FOLDER, ADAPTER_WEIGHTS, transformer_of

BASE = "base_model_name_or_path"


def bring_base(folder: Path, copy: Path, progress: Progress) -> None:
    """Put the base of the adapter in `folder` into its copy, and the adapter beneath; without an adapter, do nothing.

    What the adapter's folder has stays: its config.json, with its labels, and its tokenizer as a whole.
    """
    source, target = transformer_of(folder), transformer_of(copy)
    if not (source / ADAPTER_CONFIG).is_file():
        return
    inner = target / ADAPTER_FOLDER
    inner.mkdir()
    for name in (ADAPTER_CONFIG, *ADAPTER_WEIGHTS):
        if (target / name).exists():
            (target / name).rename(inner / name)
    has_tokenizer = any((target / name).is_file() for name in VOCABULARY_FILES)
    try:
        with opened(base_address(source), progress) as base:
            _check_base(base.folder)
            copy_folder(base.folder, target, frozenset(TOKENIZER_FILES if has_tokenizer else ()))
    except Refused as refused:
        raise Refused(f"{source / ADAPTER_CONFIG} names its base under {BASE}: {refused}") from refused


def _check_base(base: Path) -> None:
    """Refuse a base that peft could not load as a model of transformers."""
    if (base / ADAPTER_CONFIG).is_file():
        raise Refused(f"{base} is an adapter itself: merge it with its own base first")
    if transformer_of(base) != base:
        raise Refused(f"{base} keeps its transformer in a folder inside: name that folder")


def base_address(folder: Path) -> str:
    """The address of the base of the adapter in `folder`: a folder, also relative to it, or REPOSITORY[@REVISION]."""
    config = load_json(folder / ADAPTER_CONFIG)
    named, revision = config.get(BASE), config.get("revision")
    if not isinstance(named, str) or not named:
        raise Refused("it names none, and an adapter is nothing without it: write the base's folder or Hub name there")
    for path in (folder / named, Path(named)):
        if path.is_dir():
            return str(path)
    if not HUB_ID.fullmatch(named) or named.startswith("."):
        raise Refused(f"there is no folder {named}: write the base's folder, or its name on the Hub, there")
    return f"{named}@{revision}" if isinstance(revision, str) and revision else named
