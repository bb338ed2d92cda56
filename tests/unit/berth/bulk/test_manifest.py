"""The manifest: what a kill leaves of it, and what is refused."""

import hashlib
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import msgspec
import pytest

from berth.bulk.manifest import NAME, Head, Manifest, Part
from berth.errors import Refused, UsageError

MACHINE: dict[str, Any] = {"engine": {"precision": "fp32", "threads": 1}, "flags": ["avx2"]}
SETTINGS: dict[str, Any] = {"archive": "abc", "parameters": {"top_k": 2}}
INPUTS: list[dict[str, Any]] = [{"path": "/a", "bytes": 3, "modified_ns": 1}]
HEAD = Head(settings=SETTINGS, inputs=INPUTS, machine=MACHINE)


def _write(folder: Path, number: int) -> Part:
    content = f"part {number}".encode()
    (folder / f"{number}").write_bytes(content)
    return Part(
        part=number,
        file=f"{number}",
        input=0,
        rows=(number, number + 1),
        bytes=(0, 0),
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        errors={},
        cut=0,
        tokens=5,
    )


def _begin(folder: Path, parts: int) -> bytes:
    with Manifest(folder) as manifest:
        manifest.begin(HEAD, allows_other_machine=False)
        for number in range(parts):
            manifest.append(_write(folder, number))
    return (folder / NAME).read_bytes()


def test_a_torn_manifest_loses_its_last_line_at_the_most(tmp_path: Path) -> None:
    whole = _begin(tmp_path, 3)
    ends = [place + 1 for place, byte in enumerate(whole) if byte == ord("\n")]
    for length in range(len(whole) + 1):
        (tmp_path / NAME).write_bytes(whole[:length])
        with Manifest(tmp_path) as manifest:
            lines = sum(end <= length for end in ends)
            assert (manifest.head is not None) == (lines > 0)
            assert sorted(manifest.parts) == list(range(lines - 1))
        assert (tmp_path / NAME).read_bytes() == whole[: max([0, *(end for end in ends if end <= length)])]


@pytest.mark.parametrize(
    "harm",
    [lambda path: path.unlink(), lambda path: path.write_bytes(b"PART 1"), lambda path: path.write_bytes(b"part")],
)
def test_a_part_that_is_not_as_it_was_is_made_again(tmp_path: Path, harm: Any) -> None:
    _begin(tmp_path, 3)
    harm(tmp_path / "1")
    with Manifest(tmp_path) as manifest:
        assert sorted(manifest.verified()) == [0, 2]


@pytest.mark.parametrize(
    ("settings", "inputs", "said"),
    [
        (SETTINGS | {"parameters": {"top_k": 3}}, INPUTS, "parameters top_k is 2 there and 3 now"),
        (SETTINGS | {"archive": "x"}, INPUTS, "archive is abc there and x now"),
        (SETTINGS, [INPUTS[0] | {"bytes": 4}], "inputs 1 bytes is 3 there and 4 now"),
        (SETTINGS, INPUTS * 2, "inputs are 1 there and 2 now"),
    ],
)
def test_another_run_is_refused_by_what_differs(
    tmp_path: Path, settings: dict[str, Any], inputs: list[dict[str, Any]], said: str
) -> None:
    _begin(tmp_path, 1)
    with Manifest(tmp_path) as manifest, pytest.raises(Refused, match=said):
        manifest.require_same(settings, inputs)


@pytest.mark.parametrize(
    ("path", "now", "said"),
    [
        ("/data/a.jsonl", {}, None),
        ("/data/lang=de/a.jsonl", {"lang": "de"}, None),
        ("/team=nlp/lang=de/a.jsonl", {"lang": "de"}, "inputs 1 partitions team is nlp there and none now"),
        ("/team=nlp/a.jsonl", {}, "inputs 1 partitions is {'team': 'nlp'} there and none now"),
    ],
)
def test_a_run_of_before_had_columns_of_all_folders(
    tmp_path: Path, path: str, now: dict[str, str], said: str | None
) -> None:
    there = [INPUTS[0] | {"path": path}]
    inputs = [there[0] | {"partitions": now}] if now else there
    with Manifest(tmp_path) as manifest:
        manifest.begin(msgspec.structs.replace(HEAD, schema_version=1, inputs=there), allows_other_machine=False)
        with pytest.raises(Refused, match=said) if said else nullcontext():
            manifest.require_same(SETTINGS, inputs)


def test_other_partitions_are_another_run(tmp_path: Path) -> None:
    with Manifest(tmp_path) as manifest:
        manifest.begin(HEAD, allows_other_machine=False)
        with pytest.raises(Refused, match=r"inputs 1 partitions is none there and {'lang': 'de'} now"):
            manifest.require_same(SETTINGS, [INPUTS[0] | {"partitions": {"lang": "de"}}])


def test_another_machine_is_refused_or_recorded(tmp_path: Path) -> None:
    _begin(tmp_path, 1)
    other = msgspec.structs.replace(HEAD, machine=MACHINE | {"flags": ["avx512f"]})
    with Manifest(tmp_path) as manifest:
        manifest.require_same(SETTINGS, INPUTS)
        with pytest.raises(Refused, match="flags 1 is avx2 there and avx512f now"):
            manifest.begin(other, allows_other_machine=False)
        manifest.begin(other, allows_other_machine=True)
    with Manifest(tmp_path) as manifest:
        assert (manifest.machine, sorted(manifest.parts)) == (other.machine, [0])
        manifest.begin(other, allows_other_machine=False)


def test_one_run_at_a_time(tmp_path: Path) -> None:
    with Manifest(tmp_path), pytest.raises(Refused, match="another `berth bulk`"):
        Manifest(tmp_path)


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("")
    with pytest.raises(UsageError, match="has other files"):
        Manifest(tmp_path)


def test_a_draft_that_a_kill_left_is_removed(tmp_path: Path) -> None:
    _begin(tmp_path, 1)
    (tmp_path / ".draft-12-part").write_bytes(b"ha")
    with Manifest(tmp_path):
        assert sorted(path.name for path in tmp_path.iterdir()) == ["0", NAME]
