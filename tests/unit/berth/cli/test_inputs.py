"""What `berth predict` reads, and what it sends of it to a real HTTP server on this machine."""

import io
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from berth.cli.app import app
from berth.cli.inputs import parse_parameters, read_objects, read_texts
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


def test_texts_come_from_arguments_a_file_or_standard_input(tmp_path: Path) -> None:
    path = tmp_path / "texts"
    path.write_text("one\n\nthree", encoding="utf-8")
    assert read_texts(["a", "b"], None) == ["a", "b"]
    assert read_texts([], path) == ["one", "", "three"]
    assert read_texts([], None, io.StringIO("in\n")) == ["in"]
    assert read_texts([], Path("-"), io.StringIO("in\n")) == ["in"]


class Terminal(io.StringIO):
    """A standard input that nobody typed into."""

    def isatty(self) -> bool:
        return True


def test_no_text_and_two_sources_are_usage_errors(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not both"):
        read_texts(["a"], tmp_path)
    with pytest.raises(UsageError, match="no text"):
        read_texts([], None, Terminal())
    with pytest.raises(UsageError, match="empty"):
        read_texts([], None, io.StringIO(""))
    with pytest.raises(UsageError, match="No such file"):
        read_texts([], tmp_path / "none")
    (tmp_path / "latin1").write_bytes(b"\xe9")
    with pytest.raises(UsageError, match="UTF-8"):
        read_texts([], tmp_path / "latin1")


def test_bytes_that_are_no_utf8_are_named_with_their_place() -> None:
    with pytest.raises(UsageError, match=r"^argument 2 is not UTF-8 at character 4: .*iconv"):
        read_texts(["fine", os.fsdecode(b"caf\xe9")], None)
    with pytest.raises(UsageError, match=r"^standard input, line 2 is not UTF-8 at character 1: "):
        read_texts([], None, io.TextIOWrapper(io.BytesIO(b"fine\n\xe9\n"), "ascii", "surrogateescape"))


def test_objects_come_from_the_same_places(tmp_path: Path) -> None:
    path = tmp_path / "objects"
    path.write_text('{"text": "é"}\n{}\n', encoding="utf-8")
    assert read_objects(['{"a": [1, null]}'], None) == [{"a": [1, None]}]
    assert read_objects([], path) == [{"text": "é"}, {}]
    assert read_objects([], None, io.StringIO("{}")) == [{}]


@pytest.mark.parametrize(
    "text", ["", "hello", "[1]", '"x"', '{"a": 1', '{"a": NaN}', "{} {}", "\udce9", '{"a":' * 10_000]
)
def test_what_is_no_object_is_named_with_its_place(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError, match=r"^argument 2 is not a JSON object \(.*without it each is a text"):
        read_objects(["{}", text], None)
    with pytest.raises(UsageError, match=r"^standard input, line 2 is not a JSON object"):
        read_objects([], None, io.StringIO(f"{{}}\n{text}\n"))
    with pytest.raises(UsageError, match=r"^--parameters is not a JSON object .*top_k"):
        parse_parameters(text)
    path = tmp_path / "objects"
    path.write_text(f"{{}}\n{text}\n{{}}", encoding="utf-8", errors="replace")
    with pytest.raises(UsageError, match=rf"^{path}, line 2 is not a JSON object"):
        read_objects([], path)


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
