"""The windows of a text that is read word by word."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from handler.spans.settings import SpanSettings
from handler.text.words import WORD, cut_windows


def settings(max_width: int, max_words: int) -> SpanSettings:
    return SpanSettings(max_width=max_width, max_words=max_words, type_token="T", text_token="S")  # noqa: S106


@given(st.lists(st.integers(1, 9), max_size=60), st.integers(1, 12), st.integers(1, 4), st.integers(1, 20))
def test_windows_hold_every_word_fit_and_go_on(lengths: list[int], room: int, max_width: int, max_words: int) -> None:
    windows = list(cut_windows(lengths, room, settings(max_width, max_words)))
    assert windows[0][0] == 0
    assert windows[-1][1] == len(lengths)
    assert {word for first, end in windows for word in range(first, end)} == set(range(len(lengths)))
    for first, end in windows:
        assert end - first <= max_words
        assert sum(lengths[first:end]) <= room or end - first == 1
    for (first, end), (later, latest) in pairwise(windows):
        assert first < later <= end < latest


@given(st.integers(0, 300), st.integers(1, 6))
def test_every_span_is_whole_in_a_window_where_words_alone_count(num_words: int, max_width: int) -> None:
    """Where a window holds four times the widest entity."""
    windows = list(cut_windows([1] * num_words, 1000, settings(max_width, 4 * max_width)))
    for begin in range(num_words - max_width + 1):
        assert any(first <= begin and begin + max_width <= end for first, end in windows)


def test_words_are_those_of_gliner() -> None:
    text = "Mr. O'Neil-Smith's e-mail_2: x@y.org, 東京タワー!"
    assert WORD.findall(text) == [
        *(
            "Mr",
            ".",
            "O",
            "'",
            "Neil-Smith",
            "'",
            "s",
            "e-mail_2",
            ":",
            "x",
            "@",
            "y",
            ".",
            "org",
            ",",
            "東京タワー",
            "!",
        )
    ]
