"""The short form of `python -m tests.archive.altered`: a few of each kind, of the same seed each time."""

from pathlib import Path

import pytest

from berth.archive.signature import load_signer, sign_archive
from tests.support.signing import make_keys

from .alter import KINDS, REWRITTEN
from .run import Counts, alter_and_ask, make_archive

OF_EACH = 7
MAY_STAND_ANYWHERE = "one byte"  # in a header of which the member's name cannot be read any more


@pytest.fixture(scope="module")
def counts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Counts]:
    folder: Path = tmp_path_factory.mktemp("altered")
    key, public = make_keys(folder, "ada")
    archive = make_archive(folder)
    sign_archive(archive, load_signer(key))
    return alter_and_ask(archive, public, OF_EACH * len(KINDS), seed=1)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != REWRITTEN])
def test_what_is_altered_is_refused_without_a_key(counts, kind):
    each = counts[kind]
    assert (each.refused, each.wrong) == (OF_EACH, [])


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != MAY_STAND_ANYWHERE])
def test_the_altered_member_is_named_where_it_is_known(counts, kind):
    assert counts[kind].named == counts[kind].nameable


def test_only_a_signature_tells_that_the_digests_were_rewritten(counts):
    each = counts[REWRITTEN]
    assert (each.refused, each.refused_by_signature, each.wrong) == (0, OF_EACH, [])
