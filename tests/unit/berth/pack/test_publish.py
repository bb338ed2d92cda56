"""A proven archive takes its place with its signature, which lies beside no archive that it is not of."""

from collections.abc import Callable
from functools import partial, partialmethod
from itertools import count
from pathlib import Path

import pytest

from berth.archive.content import ArchivePlan, Member
from berth.archive.signature import load_signer, require_signed, signature_file
from berth.archive.verify import content_id
from berth.archive.write import write_archive
from berth.errors import BerthError, Refused
from berth.pack.publish import publish
from tests.support.signing import make_keys

STEPS = 4
"""Files that a signed archive has removed and renamed."""


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys")
    make_keys(folder, "ada")
    return folder


def _draft(folder: Path, version: str) -> Path:
    draft = folder / version / "draft.mar"
    draft.parent.mkdir(parents=True)
    write_archive(ArchivePlan(members=(Member(name="checkpoint/config.json", source=version.encode()),)), draft)
    return draft


@pytest.fixture
def target(tmp_path: Path, keys: Path) -> Path:
    """bert.mar of the first version, signed."""
    target = tmp_path / "bert.mar"
    assert publish(_draft(tmp_path, "1"), target, load_signer(keys / "ada.key")) == ()
    return target


def test_the_archive_and_its_signature_are_replaced_together(target: Path, keys: Path, tmp_path: Path) -> None:
    draft = _draft(tmp_path, "2")
    new = content_id(draft)
    assert publish(draft, target, load_signer(keys / "ada.key")) == ()
    assert require_signed(target, keys / "ada.pub") == content_id(target) == new
    assert list(draft.parent.iterdir()) == []


def test_a_signature_that_cannot_be_made_leaves_what_was_there(target: Path, keys: Path, tmp_path: Path) -> None:
    class Failing:
        def sign(self, *_paths: Path) -> None:
            raise OSError(28, "No space left on device")

    before = content_id(target)
    with pytest.raises(BerthError, match="No space left on device"):
        publish(_draft(tmp_path, "2"), target, Failing())
    assert require_signed(target, keys / "ada.pub") == content_id(target) == before


@pytest.mark.parametrize("last", range(STEPS + 1))
def test_wherever_it_ends_no_signature_is_of_another_archive(
    target: Path, keys: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, last: int
) -> None:
    draft, signer, done = _draft(tmp_path, "2"), load_signer(keys / "ada.key"), count()

    def ending(act: Callable[..., object], *arguments: object, **options: object) -> object:
        if next(done) == last:
            raise KeyboardInterrupt
        return act(*arguments, **options)

    with monkeypatch.context() as patch:
        for step in ("unlink", "replace"):
            patch.setattr(Path, step, partialmethod(partial(ending, getattr(Path, step))))
        ended = False
        try:
            publish(draft, target, signer)
        except KeyboardInterrupt:
            ended = True
    assert ended == (last < STEPS)
    if signature_file(target).exists():
        assert require_signed(target, keys / "ada.pub") == content_id(target)
    else:
        with pytest.raises(Refused, match="is not signed"):
            require_signed(target, keys / "ada.pub")


def test_an_unsigned_archive_beside_a_former_signature_is_said(target: Path, tmp_path: Path) -> None:
    (said,) = publish(_draft(tmp_path, "2"), target, None)
    assert said.startswith(f"{target.with_suffix('.sig')} was made for the archive that lay here before")
    assert publish(_draft(tmp_path, "3"), tmp_path / "other.mar", None) == ()
