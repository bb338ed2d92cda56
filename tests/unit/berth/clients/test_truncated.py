"""What the server cut is said, by the index in the caller's list, over several requests and halves."""

import asyncio
import json
import warnings
from collections.abc import Iterator

import pytest
from typer.testing import CliRunner

from berth.cli.app import app
from berth.clients.async_client import AsyncRestClient
from berth.clients.chunks import CHUNK_TEXTS
from berth.clients.messages import Results
from berth.clients.rest_client import MAX_NAMED, RestClient
from berth.errors import TruncationWarning
from tests.support.http_standin import JsonHandler, answering

MOST = CHUNK_TEXTS // 2
TEXTS = ["long" if index in (1, MOST + 2, CHUNK_TEXTS + 3) else "x" for index in range(CHUNK_TEXTS + 5)]
CUT = [1, MOST + 2, CHUNK_TEXTS + 3]
WORDS = (
    rf"^inputs\[1\], inputs\[{MOST + 2}\], inputs\[{CHUNK_TEXTS + 3}\] were longer than the model takes and were cut"
)


class Cutting(JsonHandler):
    """Cuts the text "long", and wants few inputs at once."""

    def do_POST(self) -> None:  # noqa: N802 - the base class's name
        inputs = json.loads(self.rfile.read(int(self.headers["content-length"])))["inputs"]
        if len(inputs) > MOST:
            self.answer(413, {"code": 413, "type": "TooManyInputs", "message": "too many"})
            return
        self._cut = ",".join(str(index) for index, text in enumerate(inputs) if text == "long")
        self.answer(200, [{"text": text} for text in inputs])

    def end_headers(self) -> None:
        if getattr(self, "_cut", ""):
            self.send_header("x-truncated", self._cut)
        super().end_headers()


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with answering(Cutting) as address:
        yield address


def test_a_warning_names_each_and_the_results_are_a_list(url: str) -> None:
    with RestClient(url) as client, pytest.warns(TruncationWarning, match=WORDS) as caught:
        results = client.predict(TEXTS, model="any")
    assert results == [{"text": text} for text in TEXTS]
    assert results.truncated == CUT
    assert [warning.filename for warning in caught] == [__file__], "it points to whoever asked"


def test_the_async_client_warns_the_same(url: str) -> None:
    async def ask() -> Results:
        async with AsyncRestClient(url) as client:
            return await client.predict(TEXTS, model="any")

    with pytest.warns(TruncationWarning, match=WORDS) as caught:
        assert asyncio.run(ask()).truncated == CUT
    assert [warning.filename for warning in caught] == [__file__]


def test_it_is_filtered_by_its_class(url: str) -> None:
    with RestClient(url) as client, warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", TruncationWarning)
        assert client.predict(["long"], model="any").truncated == [0]
        warnings.simplefilter("error", TruncationWarning)
        with pytest.raises(TruncationWarning, match=r"^inputs\[0\] was longer than the model takes and was cut; with"):
            client.predict(["long"], model="any")


def test_nothing_is_said_where_nothing_was_cut(url: str) -> None:
    with RestClient(url) as client, warnings.catch_warnings():
        warnings.simplefilter("error")
        assert client.predict(["x"], model="any").truncated == []


def test_the_command_says_it_in_one_line(url: str) -> None:
    done = CliRunner().invoke(app, ["predict", "x", "long", "--model", "any", "--url", url])
    assert len(done.stdout.splitlines()) == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("berth: inputs[1] was longer than the model takes and was cut")


def test_of_very_many_the_first_are_named_and_the_others_counted(url: str) -> None:
    texts = ["long"] * (MAX_NAMED + 50)
    with RestClient(url) as client, pytest.warns(TruncationWarning) as caught:
        assert client.predict(texts, model="any").truncated == list(range(len(texts)))
    done = CliRunner().invoke(app, ["predict", *texts, "--model", "any", "--url", url])
    named = ", ".join(f"inputs[{index}]" for index in range(MAX_NAMED))
    for said in (str(caught[0].message), done.stderr.removeprefix("berth: ")):
        assert said.startswith(f"{named} and 50 more were longer than the model takes")
