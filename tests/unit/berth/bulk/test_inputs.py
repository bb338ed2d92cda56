"""Which files of this machine a run reads, and which columns their folders make."""

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from berth.bulk.sources import find_sources
from berth.errors import UsageError

OUTPUT = Path("/nowhere/output")


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """A folder below one that has the form of a partition, with two partitions of its own."""
    folder = tmp_path / "team=nlp" / "corpus"
    for name in ("lang=de/a.jsonl", "lang=en/b.jsonl", "top.jsonl"):
        _write(folder / name)
    return folder


def _write(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("{}\n")


def _found(named: Path | str) -> Sequence[str]:
    return [each.path.name for each in find_sources([str(named)], OUTPUT)]


@pytest.mark.parametrize(
    ("pattern", "partitions"),
    [
        ("", [{"lang": "de"}, {"lang": "en"}, {}]),
        ("lang=*/*.jsonl", [{"lang": "de"}, {"lang": "en"}]),
        ("**/a.jsonl", [{"lang": "de"}]),
        ("lang=de", [{}]),
        ("lang=de/*.jsonl", [{}]),
        ("lang=de/a.jsonl", [{}]),
        ("../../team=*/corpus/*/b.jsonl", [{"team": "nlp", "lang": "en"}]),
    ],
)
def test_folders_make_columns_below_what_was_named(
    corpus: Path, pattern: str, partitions: list[dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [each.partitions for each in find_sources([f"{corpus}/{pattern}"], OUTPUT)] == partitions
    monkeypatch.chdir(corpus)
    assert [each.partitions for each in find_sources([pattern or "."], OUTPUT)] == partitions


def test_a_name_with_a_wildcards_sign_in_it_is_a_name(tmp_path: Path) -> None:
    _write(tmp_path / "run=[1]" / "lang=de" / "a.jsonl")
    (source,) = find_sources([str(tmp_path / "run=[1]")], OUTPUT)
    assert source.partitions == {"lang": "de"}


def test_a_folder_that_is_a_link_is_read(corpus: Path, tmp_path: Path) -> None:
    _write(tmp_path / "nas" / "2024" / "year.jsonl")
    (corpus / "lang=fr").symlink_to(tmp_path / "nas" / "2024")
    found = find_sources([str(corpus)], OUTPUT)
    assert [(each.path.name, each.partitions.get("lang")) for each in found] == [
        ("a.jsonl", "de"),
        ("b.jsonl", "en"),
        ("year.jsonl", "fr"),
        ("top.jsonl", None),
    ]
    with pytest.raises(UsageError, match="would become input"):
        find_sources([str(corpus)], tmp_path / "nas" / "2024" / "vectors")


def test_no_link_brings_a_file_twice_or_goes_on_for_ever(corpus: Path, tmp_path: Path) -> None:
    (corpus / "all").symlink_to(corpus)
    (corpus / "lang=de" / "up").symlink_to(tmp_path)
    (corpus / "best").symlink_to("lang=en")
    (corpus / "_old").symlink_to("lang=en")
    (tmp_path / "link").symlink_to(corpus)
    assert _found(corpus) == ["a.jsonl", "b.jsonl", "top.jsonl"]
    assert _found(tmp_path / "link") == ["a.jsonl", "b.jsonl", "top.jsonl"]


def test_a_link_to_nothing_is_said(corpus: Path) -> None:
    (corpus / "2024").symlink_to("/mnt/not-mounted/2024")
    for named in (corpus, f"{corpus}/*"):
        with pytest.raises(UsageError, match=r"corpus/2024 is a link to /mnt/not-mounted/2024, which is not there"):
            _found(named)


def test_a_folder_that_cannot_be_read_is_said(corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scandir = os.scandir

    def refuse(path: str) -> object:  # root may read everything
        if str(path).endswith("lang=en"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(UsageError, match=r"the folder .*lang=en cannot be read: Permission denied"):
        _found(corpus)
