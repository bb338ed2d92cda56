"""`python -m bench.bulk.predict`: the plain client asks for each text once, and the share is by rate."""

import json
from typing import ClassVar

from bench.bulk.predict import LIST, ask_plainly, to_table
from tests.support.http_standin import JsonHandler, answering


class Lists(JsonHandler):
    """Answers whatever it is asked."""

    asked: ClassVar[list[str]] = []

    def do_POST(self) -> None:  # noqa: N802 - the base class's name
        inputs = json.loads(self.rfile.read(int(self.headers["content-length"])))["inputs"]
        assert len(inputs) <= LIST
        self.asked.extend(inputs)
        self.answer(200, inputs)


def test_each_text_is_asked_for_once() -> None:
    texts = [f"text {number}" for number in range(10 * LIST + 3)]
    with answering(Lists) as url:
        assert ask_plainly(f"{url}/predictions/m", texts) > 0
    assert sorted(Lists.asked) == sorted(texts)


def test_the_share_is_by_rate_within_each_round() -> None:
    said = to_table({"plain client": [1.0, 2.0, 9.0], "predict --file": [2.0, 2.0, 10.0]}, 100)
    assert "| plain client | 50 |" in said
    assert "has 0.900 (0.500 to 1.000) of a plain client's rate (goal: 0.9)" in said
