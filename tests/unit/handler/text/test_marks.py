"""Markers and fillers of late interaction, and how they are told in model-config.yaml."""

import numpy as np
import pytest

from handler.errors import ConfigError
from handler.text.encoded import Frame, Tokens, put_together, to_ids
from handler.text.marks import frame_marked
from handler.text.passages import Marks
from handler.vectors.late import Late
from handler.vectors.settings import Kind, Vectors

FRAME = Frame(before=to_ids([101]), between=to_ids([]), after=to_ids([102]), types=np.zeros(5, np.int8))
LATE = Late(query_tokens=8, document_tokens=9, modules=("1_Dense",), query_marker=1, filler=103, skipped=(7,))


def encode(ids: list[int], marks: Marks) -> tuple[list[int], int, bool]:
    text = Tokens(count=len(ids), ids=to_ids(ids))
    (encoded,) = put_together([frame_marked(text, FRAME, marks, "right")], keeps_places=False)
    return encoded.ids.tolist(), encoded.num_hidden, encoded.is_truncated


def test_a_short_text_is_marked_and_filled():
    marks = Marks(max_tokens=7, marker=1, filler=103, hides_filler=True)
    assert encode([5, 6], marks) == ([101, 1, 5, 6, 102, 103, 103], 2, False)
    assert encode([5, 6, 7, 8], marks) == ([101, 1, 5, 6, 7, 8, 102], 0, False)


def test_a_long_text_is_cut_behind_its_marker():
    assert encode([5, 6, 7, 8, 9], Marks(max_tokens=6, marker=1)) == ([101, 1, 5, 6, 7, 102], 0, True)
    assert encode([5], Marks(max_tokens=4, filler=103)) == ([101, 5, 102, 103], 0, False)


def test_the_settings_come_back_as_they_were_written():
    vectors = Vectors(late=LATE, token_width=24)
    assert Vectors.from_mapping("vectors", vectors.to_mapping()) == vectors
    assert vectors.kinds == (Kind.MULTI_VECTOR,)


@pytest.mark.parametrize("change", [{"query_tokens": 0}, {"modules": "1_Dense"}, {"skipped": [-1]}, {"other": 1}])
def test_wrong_settings_are_told(change):
    with pytest.raises(ConfigError, match="late"):
        Late.from_mapping(LATE.to_mapping() | change)
