"""What `berth predict` reads, and what it sends of it to a real HTTP server on this machine."""

import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

import pytest
from typer.testing import CliRunner, Result

from berth.cli.app import app
from berth.cli.asking.inputs import parse_parameters, read_items
from berth.clients.messages import ServerError
from berth.errors import UsageError
from tests.support.http_standin import JsonHandler, answering


class Echo(JsonHandler):
    """A model whose result is what came with the input."""

    def do_POST(self) -> None:  # noqa: N802 - the base class's name
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.answer(200, [{"input": source, "parameters": body.get("parameters")} for source in body["inputs"]])


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with answering(Echo) as address:
        yield address


def predict(*arguments: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(app, ["predict", *arguments], input=stdin)


def values(texts: list[str], file: Path | None = None, stdin: TextIO | None = None, *, objects: bool = False) -> Any:
    return [item.value for item in read_items(texts, file, objects=objects, stdin=stdin)]


def only_error(file: Path | None, stdin: TextIO | None = None, *, objects: bool = False) -> str:
    """The place of the only line that cannot be read, and what is said of it."""
    items = read_items([], file, objects=objects, stdin=stdin)
    (found,) = [item for item in items if isinstance(item.value, ServerError)]
    assert isinstance(found.value, ServerError)
    assert (found.value.code, found.value.type) == (400, "NotParseable")
    return f"{found.place}: {found.value.message}"


def test_texts_come_from_arguments_a_file_or_standard_input(tmp_path: Path) -> None:
    path = tmp_path / "texts"
    path.write_bytes(b"\xef\xbb\xbfone\r\n\nthree")
    assert values(["a", "b"]) == ["a", "b"]
    assert values([], path) == ["one", "", "three"]
    assert values([], None, io.StringIO("in\n")) == ["in"]
    assert values([], Path("-"), io.StringIO("in\n")) == ["in"]
    assert [item.place for item in read_items([], path, objects=False)][2] == f"{path}, line 3"


class Terminal(io.StringIO):
    """A standard input that nobody typed into."""

    def isatty(self) -> bool:
        return True


def test_no_text_and_two_sources_are_usage_errors(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not both"):
        values(["a"], tmp_path)
    with pytest.raises(UsageError, match="no text"):
        values([], None, Terminal())
    with pytest.raises(UsageError, match="empty"):
        values([], None, io.StringIO(""))
    with pytest.raises(UsageError, match="No such file"):
        values([], tmp_path / "none")


def test_bytes_that_are_no_utf8_are_named_with_their_place(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"^argument 2 is not UTF-8 at character 4: .*iconv"):
        values(["fine", os.fsdecode(b"caf\xe9")])
    stdin = io.TextIOWrapper(io.BytesIO(b"fine\n\xe9\n"), "ascii", "surrogateescape")
    assert only_error(None, stdin).startswith("standard input, line 2: the line is not UTF-8 at character 1: ")
    path = tmp_path / "latin1"
    path.write_bytes(b"\xe9")
    assert only_error(path).startswith(f"{path}, line 1: the line is not UTF-8 at character 1: ")


def test_objects_come_from_the_same_places(tmp_path: Path) -> None:
    path = tmp_path / "objects"
    path.write_text('{"text": "é"}\n{"a": 1}\n', encoding="utf-8")
    assert values(['{"a": [1, null]}'], objects=True) == [{"a": [1, None]}]
    assert values([], path, objects=True) == [{"text": "é"}, {"a": 1}]
    assert values([], None, io.StringIO('{"a": 1}'), objects=True) == [{"a": 1}]


@pytest.mark.parametrize(
    "text", ["", "hello", "[1]", '"x"', '{"a": 1', '{"a": NaN}', "{} {}", "\udce9", '{"a":' * 10_000]
)
def test_what_is_no_object_is_named_with_its_place(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError, match=r"^argument 2 is not a JSON object \(.*without it each is a text"):
        values(['{"a": 1}', text], objects=True)
    stdin = io.StringIO(f'{{"a": 1}}\n{text}\n')
    assert only_error(None, stdin, objects=True).startswith("standard input, line 2: the line is not a JSON object")
    with pytest.raises(UsageError, match=r"^--parameters is not a JSON object .*top_k"):
        parse_parameters(text)
    path = tmp_path / "objects"
    path.write_text(f'{{"a": 1}}\n{text}\n{{"a": 1}}', encoding="utf-8", errors="replace")
    assert only_error(path, objects=True).startswith(f"{path}, line 2: the line is not a JSON object")


def test_a_text_is_a_text_also_one_that_starts_with_a_brace(url: str) -> None:
    result = predict('{"text": "x"}', "hello", "--model", "echo", "--url", url)
    assert [json.loads(line) for line in result.stdout.splitlines()] == [
        {"input": '{"text": "x"}', "parameters": None},
        {"input": "hello", "parameters": None},
    ]


def test_objects_and_parameters_are_sent_as_they_are(url: str) -> None:
    options = ("--objects", "--parameters", '{"top_k": null}', "--model", "echo", "--url", url)
    result = predict(*options, stdin='{"text": "x"}\n{"a": 1.5}\n')
    assert [json.loads(line) for line in result.stdout.splitlines()] == [
        {"input": {"text": "x"}, "parameters": {"top_k": None}},
        {"input": {"a": 1.5}, "parameters": {"top_k": None}},
    ]


def test_nobody_is_asked_when_the_command_is_wrong() -> None:
    for arguments in (["x", "--parameters", "[1]"], ["x", "--objects"]):
        error = predict(*arguments, "--url", "http://127.0.0.1:9").exception
        assert isinstance(error, UsageError)


def test_help_shows_an_example_on_one_line() -> None:
    shown = predict("--help").stdout
    (_, example) = [line for line in shown.splitlines() if line.strip().startswith("berth predict ")]
    assert "--objects '{" in example
    assert "--parameters '{" in example
