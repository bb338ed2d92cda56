"""Java's format of properties: each case is what java.util.Properties reads."""

import pytest

from berth.properties import format_properties, parse_properties

ALIKE = {"a b": " x=y:z #\\ é😀\n\t ", "empty": "", "url": "http://0.0.0.0:8080", "#": "!"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# a=1 \\\nb=2\n  ! c=3\n\n", {"b": "2"}),
        ("a=1\nb = 2=3\nc:4\nd : 5\ne 6\nf\n", {"a": "1", "b": "2=3", "c": "4", "d": "5", "e": "6", "f": ""}),
        ("a=1 \\\n   2 \\\n  # 3\nb=4", {"a": "1 2 # 3", "b": "4"}),
        ("a=1\\\n  \nb=2", {"a": "1", "b": "2"}),
        ("a=http\\://0.0.0.0\\:8080", {"a": "http://0.0.0.0:8080"}),
        ("a\\=b\\ c=1", {"a=b c": "1"}),
        ("a=x\\\\\nb=\\u00e9\\ud83d\\ude00\\t\\y", {"a": "x\\", "b": "é😀\ty"}),
        ("a=b\\", {"a": "b"}),
        ("a=1\u2028\x85b", {"a": "1\u2028\x85b"}),
    ],
)
def test_it_is_read_as_java_reads_it(text: str, expected: dict[str, str]) -> None:
    assert parse_properties(text) == expected


def test_what_is_written_is_read_again() -> None:
    assert parse_properties(format_properties(ALIKE)) == ALIKE
    assert format_properties(ALIKE).isascii()


def test_half_an_escape_is_refused() -> None:
    with pytest.raises(ValueError, match="four hexadecimal digits"):
        parse_properties("a=C:\\users")
