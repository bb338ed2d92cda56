"""The ways of altering an archive: each takes its bytes, its members and a seeded random, and gives other bytes."""

import hashlib
import random
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import BytesIO

from berth.archive.content import SUMS, Content
from berth.archive.zip_layout import Entry, Place, directory, local_header, read_places

Members = Mapping[str, bytes]
"""Every member's data by its name, the digest list among them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Altered:
    """An altered archive's bytes, and the members of which a refusal may name one; empty where none can be known."""

    data: bytes
    named: frozenset[str] = frozenset()


def lay_out(members: Members) -> bytes:
    """An archive in the canonical layout, whatever its digest list says: an adversary knows it too."""
    names = [*sorted(members.keys() - {SUMS}), SUMS]
    entries = [Entry(name=name, size_bytes=len(members[name]), crc32=zlib.crc32(members[name])) for name in names]
    return b"".join(local_header(entry) + members[entry.name] for entry in entries) + directory(entries)


def _one_byte(archive: bytes, members: Members, chance: random.Random) -> Altered:
    """One bit anywhere, in a member, a header or the directory."""
    offset = chance.randrange(len(archive))
    data = bytearray(archive)
    data[offset] ^= 1 << chance.randrange(8)
    place = _place_at(read_places(BytesIO(archive)), offset)
    return Altered(data=bytes(data), named=frozenset({place.entry.name} if place else ()))


def _one_data_byte(archive: bytes, members: Members, chance: random.Random) -> Altered:
    """One bit of a member's data; members are chosen evenly, whatever their size."""
    place = chance.choice([place for place in read_places(BytesIO(archive)) if place.entry.size_bytes])
    data = bytearray(archive)
    data[place.start + chance.randrange(place.entry.size_bytes)] ^= 1 << chance.randrange(8)
    return Altered(data=bytes(data), named=frozenset({place.entry.name}))


def _cut(archive: bytes, members: Members, chance: random.Random) -> Altered:
    """The end is missing."""
    return Altered(data=archive[: chance.randrange(len(archive))])


def _appended(archive: bytes, members: Members, chance: random.Random) -> Altered:
    """There is more behind the end."""
    return Altered(data=archive + chance.randbytes(chance.randrange(1, 1000)))


def _renamed(archive: bytes, members: Members, chance: random.Random) -> Altered:
    """A member has another name, and the digest list does not know it."""
    old = _member(members, chance)
    new = f"{old}.{chance.randrange(1000)}"
    changed = {(new if name == old else name): data for name, data in members.items()}
    return Altered(data=lay_out(changed), named=frozenset({old, new}))


def _added(archive: bytes, members: Members, chance: random.Random) -> Altered:
    """There is a member more, of which the digest list does not know: such as a module that would be imported."""
    name = chance.choice(["handler/sitecustomize.py", "ts/__init__.py", "extra.bin", "checkpoint/more.safetensors"])
    return Altered(data=lay_out({**members, name: chance.randbytes(100)}), named=frozenset({name}))


def _swapped(archive: bytes, members: Members, chance: random.Random) -> Altered:
    """Two members have each other's data."""
    first = _member(members, chance)
    second = chance.choice([name for name in sorted(members) if name != SUMS and members[name] != members[first]])
    changed = {**members, first: members[second], second: members[first]}
    return Altered(data=lay_out(changed), named=frozenset({first, second}))


def _listed(archive: bytes, members: Members, chance: random.Random) -> Altered:
    """The digest list alone says another digest."""
    name = _member(members, chance)
    digests = {**_digests(members), name: chance.randbytes(32).hex()}
    return Altered(data=lay_out({**members, SUMS: Content(digests=digests).to_sums()}), named=frozenset({name}))


def _rewritten(archive: bytes, members: Members, chance: random.Random) -> Altered:
    """A member is another, and the digest list was rewritten for it: nothing but a signature tells."""
    name = chance.choice(
        [name for name in sorted(members) if name not in (SUMS, "model-config.yaml") and members[name]]
    )
    data = bytearray(members[name])
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    changed = {**members, name: bytes(data)}
    return Altered(data=lay_out({**changed, SUMS: Content(digests=_digests(changed)).to_sums()}))


def _member(members: Members, chance: random.Random) -> str:
    return chance.choice([name for name in sorted(members) if name != SUMS])


def _digests(members: Members) -> dict[str, str]:
    return {name: hashlib.sha256(data).hexdigest() for name, data in members.items() if name != SUMS}


def _place_at(places: list[Place], offset: int) -> Place | None:
    """The member whose data has the byte at `offset`; None for a header and the directory."""
    return next((place for place in places if 0 <= offset - place.start < place.entry.size_bytes), None)


Alter = Callable[[bytes, Members, random.Random], Altered]
REWRITTEN = "rewritten"
KINDS: dict[str, Alter] = {
    "one byte": _one_byte,
    "one byte of a member": _one_data_byte,
    "cut": _cut,
    "appended": _appended,
    "renamed": _renamed,
    "added": _added,
    "swapped": _swapped,
    "listed": _listed,
    REWRITTEN: _rewritten,
}
