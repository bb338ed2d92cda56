"""Files with an input on each line."""

import io
from pathlib import Path

import pytest

from berth.cli.asking.inputs import read_items
from berth.errors import UsageError
from berth.lines import read_golden, read_texts, split_lines

WHOLE = "one\u2028 two\x85 three\x0c four\x1c five"  # str.splitlines() would make five lines of it


def test_a_line_ends_where_a_line_of_json_does() -> None:
    stream = io.BytesIO(f"\ufeff{WHOLE}\r\n\n{WHOLE}\ufeff".encode())
    assert [line.decode() for line in split_lines(stream)] == [WHOLE, "", f"{WHOLE}\ufeff"]


def test_every_command_reads_the_same_texts(tmp_path: Path) -> None:
    (file := tmp_path / "texts").write_bytes(f'\ufeff{WHOLE}\r\n{{"text": "{WHOLE}"}}\n \n'.encode())
    assert read_golden(file)[0] == read_texts(file, "--texts")[0] == WHOLE
    assert next(read_items([], file, objects=False)).value == WHOLE
    assert len(read_golden(file)) == len(read_texts(file, "--texts")) == 2


@pytest.mark.parametrize(("content", "words"), [(b" \n\r\n", "has no text"), (b"a\n\xff", "is not UTF-8")])
def test_what_has_no_texts_is_named_with_the_option(tmp_path: Path, content: bytes, words: str) -> None:
    (file := tmp_path / "texts").write_bytes(content)
    with pytest.raises(UsageError, match=f"^--golden: {file} {words}"):
        read_golden(file)
    with pytest.raises(UsageError, match=f"^--texts: {tmp_path} cannot be read: Is a directory"):
        read_texts(tmp_path, "--texts")
