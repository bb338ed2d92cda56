"""The texts of the benchmark: what the report says about them is true of the sample's own tokenizer."""

import statistics

import pytest
from transformers import AutoTokenizer

from bench.texts import MAX_WORDS, SPECIAL_TOKENS, mixed_texts, num_tokens, whole_words
from berth.sources.sample import sample_folder


@pytest.fixture(scope="module")
def texts() -> list[str]:
    vocabulary = (sample_folder() / "vocab.txt").read_text(encoding="utf-8").split()
    return mixed_texts(whole_words(vocabulary), 2000)


def test_only_whole_words_of_a_vocabulary() -> None:
    assert whole_words(["[CLS]", "##ing", "a", "the", "größe", "1984", "harbour", "it's"]) == ["the", "harbour"]


def test_equal_seeds_give_equal_texts() -> None:
    assert mixed_texts(["one", "two"], 20, seed=3) == mixed_texts(["one", "two"], 20, seed=3)
    assert mixed_texts(["one", "two"], 20, seed=3) != mixed_texts(["one", "two"], 20, seed=4)


def test_tokens_are_counted_as_the_tokenizer_does(texts: list[str]) -> None:
    tokenizer = AutoTokenizer.from_pretrained(sample_folder(), local_files_only=True)
    assert [num_tokens(text) for text in texts] == [len(ids) for ids in tokenizer(texts)["input_ids"]]


def test_lengths_are_mixed_around_24_tokens(texts: list[str]) -> None:
    lengths = [num_tokens(text) for text in texts]
    assert 23 < statistics.mean(lengths) < 25
    assert statistics.median(lengths) < statistics.mean(lengths)  # skewed, as lognormal lengths are
    assert 1 + SPECIAL_TOKENS <= min(lengths) < 10
    assert 64 < max(lengths) <= MAX_WORDS + SPECIAL_TOKENS
