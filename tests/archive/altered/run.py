"""An archive altered many times, each time held against what a launcher does with it: `unpack_signed`."""

import random
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from berth.archive.members import open_archive
from berth.archive.signature import unpack_signed
from berth.archive.unpack import unpack_once
from berth.archive.write import write_archive
from berth.errors import Refused
from berth.inspection.inspect import NO_ANSWERS
from berth.pack.options import PackOptions
from berth.pack.pack import plan
from berth.pack.prepare import prepare
from berth.progress import Silence
from berth.sources.source import opened
from handler.config import Task
from tests.support.checkpoints import make_checkpoint

from .alter import KINDS, REWRITTEN, Altered, lay_out


@dataclass(slots=True)
class Counts:
    """What became of one kind."""

    refused: int = 0
    """Without a key: by the digests alone."""
    refused_by_signature: int = 0
    """Of those that the digests took: with the key that signed the archive."""
    named: int = 0
    """Of the refused: those whose refusal names the altered member."""
    nameable: int = 0
    """Those of which an altered member is known."""
    wrong: list[str] = field(default_factory=list)
    """What should not be: altered and taken, another error than Refused, something left in the cache."""


def make_archive(folder: Path) -> Path:
    """tiny.mar, as `berth pack` lays out a tiny BERT, without its known answers, which take long to ask for."""
    checkpoint = make_checkpoint(folder / "tiny", "bert", Task.TEXT_CLASSIFICATION)
    progress, archive = Silence(), folder / "tiny.mar"
    with opened(str(checkpoint), progress) as source, prepare(source, None, progress) as prepared:
        write_archive(plan(prepared, NO_ANSWERS, "tiny", PackOptions()), archive)
    return archive


def alter_and_ask(archive: Path, key: Path, number: int, seed: int) -> dict[str, Counts]:
    """Alter `archive`, which `key` has signed as NAME.sig beside it, `number` times, each kind as often as another."""
    original = archive.read_bytes()
    with open_archive(archive) as members:
        data = {name: members.read(name) for name in members.sizes}
    assert lay_out(data) == original, "an unaltered archive is laid out as berth lays it out"
    chance, counts = random.Random(seed), {kind: Counts() for kind in KINDS}
    target = archive.with_name("altered.mar")
    target.with_suffix(".sig").write_bytes(archive.with_suffix(".sig").read_bytes())
    for index in range(number):
        kind = list(KINDS)[index % len(KINDS)]
        altered = KINDS[kind](original, data, chance)
        target.write_bytes(altered.data)
        _ask(target, key, altered, kind, counts[kind])
    return counts


def _ask(archive: Path, key: Path, altered: Altered, kind: str, counts: Counts) -> None:
    """Unpack without a key, and with one, and count what is said."""
    without_key = _refusal(archive, None, counts)
    with_key = _refusal(archive, key, counts)
    counts.refused += without_key is not None
    counts.refused_by_signature += without_key is None and with_key is not None
    counts.nameable += bool(altered.named)
    counts.named += without_key is not None and any(name in without_key for name in altered.named)
    if with_key is None or (without_key is None) is not (kind == REWRITTEN):
        counts.wrong.append(f"{kind}: without a key {without_key}; with one {with_key}")


def _refusal(archive: Path, key: Path | None, counts: Counts) -> str | None:
    """What is said of it; None where it is taken. Nothing may be left of what is refused."""
    cache = archive.with_name("cache")
    try:
        folder = unpack_signed(archive, key, cache) if key else unpack_once(archive, cache)
    except Refused as error:
        left = [path for path in cache.rglob("*") if path.is_file()] if cache.exists() else []
        counts.wrong.extend(f"left behind: {path}" for path in left)
        return str(error)
    except Exception as error:  # noqa: BLE001 - whatever else it is, it is what this looks for
        counts.wrong.append(f"{type(error).__name__}: {error}")
        return str(error)
    _forget(folder)
    return None


def _forget(folder: Path) -> None:
    """Remove what was unpacked, so that the next begins with an empty cache."""
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    folder.rmdir()


def total(counts: dict[str, Counts]) -> Counter[str]:
    """The sums over all kinds."""
    sums: Counter[str] = Counter()
    for each in counts.values():
        sums.update(refused=each.refused, by_signature=each.refused_by_signature, wrong=len(each.wrong))
    return sums
