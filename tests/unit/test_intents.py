"""examples/intents: its labels, and what its script says of labels that it cannot use."""

import re
import runpy
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.support.intents import EXAMPLE, Trained, read

NUM_INTENTS = 10
SMALLEST_F1 = 0.9


def words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", text.lower()))


def run(*options: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(EXAMPLE / "train.py"), *map(str, options)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_labels_are_even_and_no_text_is_in_both_files() -> None:
    train, held_out = read("train.tsv"), read("test.tsv")
    assert set(Counter(label for label, _ in held_out).values()) == {15}
    counts = Counter(label for label, _ in train)
    assert len(counts) == NUM_INTENTS
    assert min(counts.values()) >= 50
    texts = [text.lower() for _, text in (*train, *held_out)]
    assert len(set(texts)) == len(texts)


def test_what_is_held_out_is_no_echo() -> None:
    held_out = [words(text) for _, text in read("test.tsv")]
    for _, text in read("train.tsv"):
        mine = words(text)
        assert max(len(mine & other) / len(mine | other) for other in held_out) <= 0.8, text


def test_script_is_short() -> None:
    assert len((EXAMPLE / "train.py").read_text("utf-8").splitlines()) < 80


def test_macro_f1() -> None:
    """a: 2 of 3 found, none wrongly: 0.8; b: its one found, one wrongly: 2/3; c: its one missed: 0."""
    macro_f1 = runpy.run_path(str(EXAMPLE / "train.py"))["macro_f1"]
    assert macro_f1(list("aaabc"), list("aabbd")) == pytest.approx((0.8 + 2 / 3 + 0) / 3)


def test_script_says_what_is_wrong_with_a_file(tmp_path: Path) -> None:
    train, held_out = tmp_path / "train.tsv", tmp_path / "test.tsv"
    train.write_text("label\ttext\nyes\tof course\nno\n")
    assert f"{train}, line 3: label, tab, text" in run("--train", train).stderr
    train.write_text("label\ttext\nyes\tof course\nno\tnever\n")
    held_out.write_text("label\ttext\nperhaps\twho knows\n")
    assert f"no text with the label 'perhaps' is in {train}" in run("--train", train, "--test", held_out).stderr


def test_held_out_texts_are_understood(intents: Trained) -> None:
    found = re.search(r"macro F1 on 150 held-out texts: ([0-9.]+)", intents.printed)
    assert found, intents.printed
    assert float(found[1]) >= SMALLEST_F1
