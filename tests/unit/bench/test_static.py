"""Static embeddings beside a transformer: a rate is of enough texts, or there is none."""

import pytest

from bench.static.__main__ import rate_of
from berth.errors import BerthError


def test_a_window_with_hardly_any_texts_says_nothing() -> None:
    assert rate_of(300, 30) == 10
    with pytest.raises(BerthError, match="64 texts were answered in 4 s, and fewer than 300 are noise"):
        rate_of(64, 4)
