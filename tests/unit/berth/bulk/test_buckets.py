"""Buckets: what is named is found as on a disk; a folder is held by one run; what goes wrong is said in a sentence."""

import hashlib
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest

from berth.bulk.sources import find_sources
from berth.bulk.storage import lock
from berth.bulk.storage.address import BucketPath, parse_place
from berth.bulk.storage.bucket import read_object, write_object
from berth.bulk.storage.bucket_folder import BucketFolder
from berth.bulk.storage.folder import MANIFEST, Written, rejects_beside
from berth.bulk.storage.local import find_local
from berth.bulk.storage.lock import Holder, Lock
from berth.bulk.storage.places import find_files, is_within, write_part, write_rejects
from berth.bulk.storage.walk import HIDDEN
from berth.errors import BerthError, Refused, UsageError
from tests.support.buckets import ACCESS, Bucket, serving
from tests.support.http_standin import JsonHandler, answering

FILES = ("a.txt", "b c.txt", "x=1/a%20b.txt", "x=1/y=2/a.txt", ".hidden/a.txt", "x=1/.a.txt", "x=1/_SUCCESS", "[1].txt")


@pytest.fixture(scope="module", autouse=True)
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        for name, value in ACCESS.items():
            patch.setenv(name, value)
        yield


@pytest.fixture(scope="module", params=["s3", "gs"])
def bucket(request: pytest.FixtureRequest) -> Iterator[Bucket]:
    with serving(request.param) as bucket:
        yield bucket


def _place(bucket: Bucket, key: str) -> BucketPath:
    place = parse_place(bucket.address(key))
    assert isinstance(place, BucketPath)
    return place


@pytest.mark.parametrize(
    ("text", "said", "key", "options"),
    [
        ("s3://box/a/b.txt", "s3://box/a/b.txt", "a/b.txt", ""),
        ("gs://box/a/", "gs://box/a", "a", ""),
        ("gs://anonymous@box/a@b?.txt", "gs://box/a@b?.txt", "a@b?.txt", ""),
        ("s3://key:secret@box/a?region=x&scheme=http", "s3://box/a", "a", "region=x&scheme=http"),
        ("s3://box/a?b=c/*.txt", "s3://box/a", "a", "b=c/*.txt"),
        ("s3://box", "s3://box", "", ""),
    ],
)
def test_an_address(text: str, said: str, key: str, options: str) -> None:
    place = parse_place(text)
    assert isinstance(place, BucketPath)
    assert (str(place), place.key, place.options) == (said, key, options)
    assert "secret" not in repr(place)
    assert parse_place(place.address()) == place


@pytest.mark.parametrize(
    ("text", "said"), [("az://box/a", "az:// is not read: gs:// and s3:// are"), ("s3:///a", "names no bucket")]
)
def test_an_address_that_is_none(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        parse_place(text)


@pytest.fixture(scope="module")
def tree(bucket: Bucket, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """FILES, here and in the bucket."""
    folder = tmp_path_factory.mktemp("tree")
    for name in FILES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    bucket.put(folder, "tree")
    return folder


def _is_shown(path: str) -> bool:
    return not any(part.startswith(HIDDEN) for part in path.split("/"))


@pytest.mark.parametrize("pattern", ["", "a.txt", "x=1", "*.txt", "**/*.txt", "x=?/**/a*", "*/*", "**", "[[]1].txt"])
def test_what_is_named_is_found_as_on_a_disk(bucket: Bucket, tree: Path, pattern: str) -> None:
    here = find_local(f"{tree}/{pattern}", _is_shown)
    there = find_files(bucket.address(f"tree/{pattern}"), _is_shown)
    expected = [path.relative_to(tree).as_posix() for path in here]
    assert [str(each).removeprefix(bucket.name("tree/")) for each in there] == expected != []


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("nothing", "holds no file whose name ends with .parquet"),
        ("nothing/*.csv", "does not exist, and no object is named so"),
    ],
)
def test_what_is_not_there(bucket: Bucket, key: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        find_sources([bucket.address(key)], Path("output"))


def test_a_bucket_that_is_not_there(bucket: Bucket) -> None:
    for address in (bucket.address("a"), bucket.address("a/*")):
        with pytest.raises(UsageError, match="there is no bucket nobox"):
            find_sources([address.replace("box/", "nobox/")], Path("output"))
    with pytest.raises(UsageError, match="there is no bucket nobox"):
        BucketFolder(BucketPath.parse(bucket.address("out").replace("box/", "nobox/")))


def test_an_output_in_the_input(bucket: Bucket) -> None:
    assert is_within(_place(bucket, "in/out"), bucket.address("in"))
    assert not is_within(_place(bucket, "in2"), bucket.address("in"))
    assert not is_within(Path("in/out"), bucket.address("in"))


def test_a_cache_that_cannot_be_written_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(BerthError, match=r"file/berth-bulk cannot be written: Not a directory.*set XDG_CACHE_HOME to"):
        Lock(BucketPath.parse("gs://box/out"))


def test_only_what_the_manifest_names_stays(bucket: Bucket) -> None:
    place = _place(bucket, "stays")
    folder = BucketFolder(place)
    folder.append(b"head\n")
    assert read_object(place / MANIFEST) == b"head\n", "the head is there before the first part"
    drafts = [folder.draft(number, f"part-{number:06d}.jsonl") for number in range(3)]
    written = [write_part(draft, b"part") for draft in drafts]
    write_rejects(drafts[1], b"rejects")
    assert read_object(place / "rejects-000001.jsonl") == b"rejects"
    folder.publish(0, "part-000000.jsonl")
    folder.append(b"0\n")
    folder.close()
    assert read_object(place / MANIFEST) == b"head\n0\n"
    names = [str(each).rpartition("/")[2] for each in find_files(bucket.address("stays"), lambda _: True)]
    assert names == [MANIFEST, "part-000000.jsonl"]
    assert written[0].sha256 == hashlib.sha256(b"part").hexdigest()


def test_a_part_is_held_against_what_was_written(bucket: Bucket) -> None:
    folder = BucketFolder(_place(bucket, "whole"))
    names = [f"part-{number}" for number in range(4)]
    files = {name: write_part(folder.draft(number, name), b"part") for number, name in enumerate(names)}
    for number, name in enumerate(names):
        folder.publish(number, name)
    write_part(folder.draft(1, names[1]), b"trap")
    write_part(folder.draft(2, names[2]), b"part")  # another write of the same bytes
    files["part-9"] = Written(size=4, sha256="0")
    assert folder.whole(files) == {"part-0", "part-2", "part-3"}
    folder.close()


def test_a_folder_of_something_else(bucket: Bucket) -> None:
    write_object(_place(bucket, "thesis/a.txt"), b"")
    for _ in range(2):  # nothing is held behind a refusal
        with pytest.raises(UsageError, match="thesis has other files, and no manifest"):
            BucketFolder(_place(bucket, "thesis"))


def test_one_run_at_a_time_on_a_machine(bucket: Bucket) -> None:
    first = Lock(_place(bucket, "held"))
    with pytest.raises(Refused, match="another `berth bulk` writes to"):
        Lock(_place(bucket, "held"))
    first.abandon()  # as a kill does: its object stays
    Lock(_place(bucket, "held")).release()
    assert read_object(_place(bucket, "held/.run")) is None


def _elsewhere(bucket: Bucket, key: str, beat: int) -> None:
    holder = Holder(run="other", file="of another machine", beat=beat)
    write_object(_place(bucket, f"{key}/.run"), msgspec.json.encode(holder))


def test_a_run_of_another_machine_is_waited_for(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "SILENCE_S", 0.01)
    monkeypatch.setattr(lock, "LOOK_S", 0.001)
    _elsewhere(bucket, "silent", 1)
    mine = Lock(_place(bucket, "silent"))
    mine.beat()
    _elsewhere(bucket, "silent", 2)  # it was alive after all
    with pytest.raises(Refused, match="this one ends"):
        mine.beat()
    mine.abandon()
    clock = SimpleNamespace(monotonic=count(step=0.001).__next__, sleep=lambda _: _elsewhere(bucket, "silent", 3))
    monkeypatch.setattr(lock, "time", clock)
    with pytest.raises(Refused, match="wait for it, or choose another"):
        Lock(_place(bucket, "silent"))


def test_a_folder_that_another_run_took_is_left_to_it(bucket: Bucket) -> None:
    folder = BucketFolder(_place(bucket, "taken"))
    folder.append(b"head\n")
    write_part(folder.draft(0, "part-000000.csv"), b"mine")
    _elsewhere(bucket, "taken", 1)
    folder.append(b"0\n")
    with pytest.raises(Refused, match="the other goes on"):
        folder.close()
    assert read_object(_place(bucket, f"taken/{MANIFEST}")) == b"head\n"
    assert read_object(_place(bucket, "taken/part-000000.csv")) == b"mine"


@pytest.mark.parametrize(
    ("scheme", "status", "said", "exit_code"),
    [
        ("s3", 403, "access is denied: these credentials, or none, may not", 2),
        ("gs", 403, "access is denied: these credentials, or none, may not", 2),
        ("gs", 401, "without valid credentials .*gcloud auth application-default login", 2),
        ("gs", 503, "cannot be reached .* after some tries: what is done is kept: run the same command again", 1),
        ("gs", None, "cannot be reached .*Could not connect to server", 1),
    ],
)
def test_what_goes_wrong_there(scheme: str, status: int | None, said: str, exit_code: int) -> None:
    class Refusing(JsonHandler):
        def do_GET(self) -> None:  # noqa: N802 - the base class's name
            self.answer(status or 0, {})

        do_HEAD = do_PUT = do_POST = do_GET  # noqa: N815

    with answering(Refusing) as url:
        port = int(url.rpartition(":")[2]) if status else 1
        place = _place(Bucket(scheme=scheme, port=port), "a.txt")
        for act in (lambda: find_sources([place.address()], Path("output")), lambda: write_part(place.address(), b"a")):
            with pytest.raises(BerthError, match=said) as caught:
                act()
            assert (caught.value.exit_code, str(place) in str(caught.value)) == (exit_code, True)


def test_what_a_part_rejects_is_written_beside_it() -> None:
    assert rejects_beside("/x/.draft-3") == "/x/.draft-3-rejects"
    assert rejects_beside("s3://box/x/part-000003.csv?scheme=http") == "s3://box/x/rejects-000003.jsonl?scheme=http"
