"""The API's description, by commands that fail and hang."""

import asyncio
import gzip
import sys
from pathlib import Path

import pytest

from berth.gateway.error_answer import ErrorAnswer
from berth.gateway.page import description
from berth.gateway.page.description import Description


def command(begun: Path, then: str) -> list[str]:
    """A program that notes that it has begun."""
    return [sys.executable, "-c", f"import sys, time; open({str(begun)!r}, 'a').write('x'); {then}"]


async def ask_twice(made: Description) -> list[bytes | BaseException]:
    return [(await asyncio.gather(made.read(), return_exceptions=True))[0] for _ in range(2)]


def test_it_is_made_once(tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    answers = asyncio.run(ask_twice(Description(command(begun, "print('{}')"))))
    assert answers == [gzip.compress(b"{}\n", mtime=0)] * 2
    assert begun.read_text() == "x"


@pytest.mark.parametrize(("again_s", "begun_times"), [(60.0, 1), (0.0, 2)])
def test_a_failure_is_kept_for_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, again_s: float, begun_times: int
) -> None:
    monkeypatch.setattr(description, "AGAIN_S", again_s)
    begun = tmp_path / "begun"
    for refusal in asyncio.run(ask_twice(Description(command(begun, "sys.exit(1)")))):
        assert isinstance(refusal, ErrorAnswer)
        assert refusal.status == 500
    assert begun.read_text() == "x" * begun_times


def test_what_hangs_is_killed(tmp_path: Path) -> None:
    """Its end is waited for: with an hour to sleep this test would not end either."""
    hangs = Description([sys.executable, "-c", "import time; time.sleep(3600)"], limit_s=0.1)
    with pytest.raises(ErrorAnswer, match=r"not made in 0\.1 s") as refused:
        asyncio.run(hangs.read())
    assert refused.value.status == 503
