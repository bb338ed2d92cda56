"""check_loaded, by reference_answers: a tokenizer that does not fit its model is refused before anything is asked.

No file is looked at by check_files here, so that each check stands alone.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from transformers import AutoTokenizer, BertTokenizer

from berth.errors import Refused
from berth.pack.load_checkpoint import load_checkpoint
from berth.pack.reference_answers import reference_answers
from berth.sources.sample import sample_folder
from handler.config import Task
from tests.support.checkpoints import ARCHITECTURES, make_checkpoint
from tests.support.checkpoints.decoders import make_qwen3

BERTH = str(Path(sys.executable).with_name("berth"))
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
DIGITS = tuple("0123456789.,:%()-!")
CHINESE = tuple("船停在港口里等候潮水东京")
ENGLISH = ("the", "ship", "lies", "in", "harbour", "until", "tide", "turns", "a", "hello", "world")
ROUNDING = 1.5e-6  # both sides are fp32, and ours is rounded to 1e-6
Copy = Callable[[str], Path]


@pytest.fixture
def copy(checkpoint, tmp_path) -> Copy:
    """copy(architecture): a classifier's folder, to change."""
    return lambda architecture: Path(
        shutil.copytree(checkpoint(architecture, Task.TEXT_CLASSIFICATION), tmp_path / "model")
    )


def _set(path: Path, **settings: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | settings), "utf-8")


def _without_tokenizer(folder: Path) -> Path:
    for file in folder.iterdir():
        if file.name not in {"config.json", "model.safetensors"}:
            file.unlink()
    return folder


def _with_vocabulary(folder: Path, words: Iterable[str]) -> Path:
    vocabulary = {word: number for number, word in enumerate((*SPECIAL, *words))}
    BertTokenizer(vocab=vocabulary, model_max_length=512).save_pretrained(_without_tokenizer(folder))
    return folder


def _refusal(folder: Path, max_tokens: int | None = None) -> str:
    checkpoint = load_checkpoint(folder, None)
    with pytest.raises(Refused) as refused:
        reference_answers(replace(checkpoint, max_tokens=max_tokens or checkpoint.max_tokens))
    assert str(folder) in str(refused.value)
    assert refused.value.exit_code == 4
    return str(refused.value)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_tokenizer_that_fits_is_taken(checkpoint, architecture):
    reference_answers(load_checkpoint(checkpoint(architecture, Task.EMBEDDINGS), None))


def test_a_decoder_that_embeds_needs_no_token_that_begins_a_text(tmp_path):
    """Qwen3-Embedding's tokenizer has neither cls_token nor bos_token, and its template alone ends a text."""
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415 - seconds

    folder = make_qwen3(tmp_path)
    assert AutoTokenizer.from_pretrained(folder)("a")["input_ids"][-1:] == [0]  # <|endoftext|>
    known = reference_answers(load_checkpoint(folder, None))
    expected = SentenceTransformer(str(folder), device="cpu").encode(list(known.inputs))
    np.testing.assert_allclose(np.asarray(known.answers, np.float64), expected, rtol=0, atol=ROUNDING)


@pytest.mark.parametrize("architecture", ["bert", "roberta"])
def test_a_tokenizer_that_transformers_made_up_is_refused(copy, architecture):
    said = _refusal(_without_tokenizer(copy(architecture)))
    assert "its tokenizer has 5 tokens, all of them special: transformers made it up" in said
    assert "save the tokenizer that the model was trained with into the folder" in said


@pytest.mark.parametrize("architecture", ["bert", "roberta"])
def test_a_vocabulary_larger_than_the_matrix_is_refused(copy, architecture):
    folder = copy(architecture)
    rows = json.loads((folder / "config.json").read_text())["vocab_size"]
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.add_tokens(["<order>"])
    tokenizer.save_pretrained(folder)
    assert f"its tokenizer has {rows + 1} tokens and the embedding matrix has {rows} rows" in _refusal(folder)


@pytest.mark.parametrize(
    ("architecture", "name"), [("bert", "cls"), ("bert", "sep"), ("bert", "pad"), ("bert", "unk"), ("roberta", "pad")]
)
def test_a_special_token_that_is_missing_is_named(copy, architecture, name):
    folder = copy(architecture)
    _set(folder / "tokenizer_config.json", tokenizer_class="PreTrainedTokenizerFast", **{f"{name}_token": None})
    assert f"its tokenizer has no {name}_token: name it in tokenizer_config.json as in training" in _refusal(folder)


@pytest.mark.parametrize("words", [CHINESE, ENGLISH, (*CHINESE, *DIGITS), (*ENGLISH, *DIGITS)])
def test_a_model_of_one_script_is_taken(copy, words):
    reference_answers(load_checkpoint(_with_vocabulary(copy("bert"), words), None))


def test_an_uncased_model_is_taken(checkpoint):
    assert AutoTokenizer.from_pretrained(sample_folder()).tokenize("HARBOUR") == ["harbour"]
    reference_answers(load_checkpoint(checkpoint("bert", Task.TEXT_CLASSIFICATION), None))


@pytest.mark.parametrize("words", [["qqq", "##qqq", "zzz"], ["[unused1]", "[unused2]"]])
def test_a_tokenizer_to_which_every_line_is_unknown_is_refused(copy, words):
    said = _refusal(_with_vocabulary(copy("bert"), words))
    assert "its tokenizer knows next to nothing of plain lines (Latin, Cyrillic, Greek, Chinese" in said


@pytest.mark.parametrize("architecture", ["bert", "roberta"])
def test_a_longest_text_without_positions_is_refused(copy, architecture):
    said = _refusal(copy(architecture), max_tokens=513)
    assert "its longest text has 513 tokens and the model has 512 positions: set model_max_length to 512" in said


def test_a_missing_package_is_said_in_the_librarys_words(copy):
    folder = _without_tokenizer(copy("bert"))
    shutil.copyfile(sample_folder() / "vocab.txt", folder / "vocab.txt")
    settings = {"tokenizer_class": "BertJapaneseTokenizer", "word_tokenizer_type": "mecab"}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    said = _refusal(folder)
    assert f"transformers cannot load {folder}: ModuleNotFoundError: You need to install fugashi" in said
    assert "\n" not in said


@pytest.mark.parametrize("architecture", ["bert", "roberta"])
@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"hidden_size": "many"}, 'config.json: hidden_size is "many", and transformers wants a whole number there: '),
        ({"num_attention_heads": 7}, "transformers cannot load "),
        ({"hidden_act": "nonsense"}, "nonsense"),
        ({"model_type": "no-such-type"}, "config.json: its model_type is no-such-type, which transformers "),
    ],
)
def test_a_config_that_cannot_be_is_said_in_one_sentence(copy, architecture, settings, words):
    folder = copy(architecture)
    _set(folder / "config.json", **settings)
    said = _refusal(folder)
    assert str(folder) in said
    assert words in said
    assert "\n" not in said


@pytest.mark.parametrize("architecture", ["bert", "roberta"])
@pytest.mark.parametrize("count", [2, 4])
def test_labels_that_are_not_the_heads_are_refused_whatever_the_heads_name(copy, architecture, count):
    folder = copy(architecture)
    _set(folder / "config.json", id2label={str(number): f"label {number}" for number in range(count)})
    bias = "classifier.bias" if architecture == "bert" else "classifier.out_proj.bias"
    assert f"the shape of {bias} is [3], and by config.json it would be [{count}]: they are not of" in _refusal(folder)


def test_what_fails_at_a_known_text_is_said_in_the_librarys_words(tmp_path):
    folder = make_checkpoint(tmp_path / "one", "bert", Task.TEXT_CLASSIFICATION, chunk_size_feed_forward=7)
    assert f"transformers cannot answer with {folder}: ValueError: The dimension to be chunked" in _refusal(folder)


def test_berth_pack_ends_with_4_and_no_traceback(copy, tmp_path):
    folder = copy("bert")
    _set(folder / "config.json", hidden_act="nonsense")
    command = [BERTH, "pack", str(folder), "--output", str(tmp_path / "store")]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 4
    assert "Traceback" not in ran.stderr
    assert "transformers cannot load" in " ".join(ran.stderr.split())
