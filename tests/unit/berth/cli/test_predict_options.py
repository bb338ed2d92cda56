"""`berth predict`: what is said before anybody is asked, and how a refused input looks in a table."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from berth.cli.app import app
from berth.cli.asking.answers import to_reject, write_answers
from berth.cli.asking.inputs import Item
from berth.clients.many import Answer
from berth.clients.messages import ServerError
from berth.errors import BerthError, UsageError

REFUSED = ServerError(code=422, type="InvalidInput", message="not this")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["a text"], "goes with --file, without texts"),
        (["--file", "a.txt", "--rejects", "r"], "goes with --file, without texts"),
        (["--file", "-"], "--output needs --file"),
        ([], "--output needs --file"),
        (["--file", "a.txt", "--to", "xml"], "--to is xml: choose one of parquet, jsonl, csv"),
        (["--file", "a.txt", "--column", "text="], "--column text=: give each key once"),
    ],
)
def test_a_wrong_call_for_a_folder_writes_nothing(tmp_path: Path, words: list[str], said: str) -> None:
    output = tmp_path / "out"
    result = CliRunner().invoke(app, ["predict", *words, "--output", str(output), "--url", "http://127.0.0.1:9"])
    assert isinstance(result.exception, UsageError)
    assert said in str(result.exception)
    assert not output.exists()


def test_a_table_shows_the_error_in_its_row(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    items = [Item(place=f"argument {number}", record=text, value=text) for number, text in enumerate("ab", 1)]
    answers = [Answer(result={"label": "yes", "score": 0.5}), Answer(error=REFUSED)]
    with pytest.raises(BerthError, match="1 of 2 inputs refused: argument 2: not this"):
        write_answers(iter(zip(items, answers, strict=True)), None, as_json=False)
    rows = [line for line in capsys.readouterr().out.splitlines() if line.startswith("│")]
    assert [[cell.strip() for cell in row.split("│")[1:-1]] for row in rows] == [
        ["a", "yes", "0.5000", ""],
        ["b", "", "", "422 InvalidInput: not this"],
    ]


@pytest.mark.parametrize("error", [BerthError("the server is gone"), KeyboardInterrupt()])
def test_what_came_before_the_end_is_shown_before_it(capsys: pytest.CaptureFixture[str], error: BaseException) -> None:
    def broken() -> Iterator[tuple[Item, Answer]]:
        yield Item(place="argument 1", record="a", value="a"), Answer(result={"label": "yes", "score": 0.5})
        raise error

    with pytest.raises(type(error)):
        write_answers(broken(), None, as_json=False)
    assert "yes" in capsys.readouterr().out


def test_a_rejected_object_keeps_keys_that_are_called_as_ours() -> None:
    item = Item(place="a, line 1", record="", value={"text": "a", "place": "Rome", "input_place": 1, "error": 7})
    assert to_reject(item, REFUSED) == {
        "text": "a",
        "input_place": "Rome",
        "input_input_place": 1,
        "input_error": 7,
        "place": "a, line 1",
        "error": {"code": 422, "type": "InvalidInput", "message": "not this"},
    }


def test_a_rejects_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--rejects .* cannot be written: No such file"):
        write_answers(iter(()), tmp_path / "none" / "r", as_json=True)
