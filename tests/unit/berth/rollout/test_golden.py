"""A file of golden inputs, and what is wrong with one."""

from pathlib import Path

import pytest

from berth.errors import UsageError
from berth.rollout import golden
from berth.rollout.golden import Answered, read_golden_of_order
from berth.rollout.messages import MAX_GOLDEN_BYTES, MAX_ORDER_BYTES


def test_texts_and_objects_one_a_line(tmp_path: Path) -> None:
    (file := tmp_path / "golden.txt").write_text('is it you?\n\n{"text": "a"}\n17\n')
    assert read_golden_of_order(file) == ["is it you?", {"text": "a"}, "17"]


def test_more_than_an_order_holds_is_said_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert MAX_GOLDEN_BYTES < MAX_ORDER_BYTES
    monkeypatch.setattr(golden, "MAX_GOLDEN_BYTES", 2**20)
    (file := tmp_path / "golden.txt").write_text("\n".join(["x" * 1023] * 1024))
    with pytest.raises(UsageError, match=r"golden\.txt has 1\.0 MiB of inputs, and an order holds 1: choose fewer"):
        read_golden_of_order(file)


def test_whether_anything_was_answered() -> None:
    assert Answered(results=(None, None), ms=(1.0, 1.0)).is_refused
    assert not Answered(results=(None, [0.5]), ms=(1.0, 1.0)).is_refused
