"""Whoever asks for an engine that is not there hears so before anything starts."""

import pytest

from berth.errors import Refused, UsageError
from berth.machine import lone_texts
from berth.machine.lone_texts import VARIABLE, read_lone_texts
from handler.config import LoneTexts


def test_torch_reads_them_unless_somebody_says_otherwise() -> None:
    assert read_lone_texts({}) is LoneTexts.TORCH
    assert read_lone_texts({VARIABLE: "torch"}) is LoneTexts.TORCH
    assert read_lone_texts({VARIABLE: "openvino"}) is LoneTexts.OPENVINO


@pytest.mark.parametrize("value", ["", "onnx", "OpenVINO"])
def test_another_engine_is_refused(value: str) -> None:
    with pytest.raises(UsageError, match=r"BERTH_LONE_TEXTS is '.*'; it is one of torch, openvino"):
        read_lone_texts({VARIABLE: value})


def test_a_package_that_is_not_there_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lone_texts, "find_spec", lambda _: None)
    with pytest.raises(Refused, match=r"there is no such package here: `pip install 'berth\[openvino\]'`"):
        read_lone_texts({VARIABLE: "openvino"})
    assert read_lone_texts({}) is LoneTexts.TORCH
