"""check_files: a tokenizer that is missing, damaged, or not of these weights, said by files alone."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoTokenizer

from berth.convert.convert import converted
from berth.pack.check.files import check_files
from berth.pack.load_checkpoint import load_checkpoint
from berth.progress import Silence
from berth.sources.sample import sample_folder

from .conftest import LFS_POINTER, PAGE, refusal, set_json

BERTH = str(Path(sys.executable).with_name("berth"))


@pytest.mark.parametrize(
    ("architecture", "needed"),
    [
        ("bert", "vocab.txt"),
        ("distilbert", "vocab.txt"),
        ("mpnet", "vocab.txt"),
        ("nomic-bert", "vocab.txt"),
        ("roberta", "vocab.json and merges.txt"),
        ("xlm-roberta", "sentencepiece.bpe.model"),
        ("albert", "spiece.model"),
        ("deberta-v2", "spm.model"),
    ],
)
@pytest.mark.parametrize("kept", [(), ("tokenizer_config.json",)])
def test_a_checkpoint_without_a_tokenizer_names_what_its_type_needs(copy, architecture, needed, kept):
    folder = copy(architecture, *kept)
    said = refusal(folder)
    assert f"{folder} has no tokenizer: it needs tokenizer.json, or {needed}, and without it transformers makes" in said
    assert f"tokenizer.save_pretrained('{folder}')" in said


def test_a_tokenizer_without_other_files_needs_tokenizer_json(copy):
    assert "it needs tokenizer.json, and without it" in refusal(copy("modernbert", "tokenizer_config.json"))


def test_a_file_of_another_tokenizer_does_not_help(copy):
    folder = copy("bert", "tokenizer_config.json")
    (folder / "vocab.json").write_text("{}")
    assert "it needs tokenizer.json, or vocab.txt, and without it" in refusal(folder)


@pytest.mark.parametrize(("kept", "wanted"), [("vocab.json", "merges.txt"), ("merges.txt", "vocab.json")])
def test_half_of_a_byte_level_tokenizer_is_refused(copy, kept, wanted):
    assert f"it needs tokenizer.json, or {wanted} beside {kept}, and" in refusal(copy("roberta", kept))


def test_what_a_tokenizer_is_made_from_is_enough(copy):
    with converted(copy("roberta", "vocab.json", "merges.txt", "tokenizer_config.json"), Silence()) as ready:
        check_files(load_checkpoint(ready.folder, None))


def test_a_tokenizer_of_another_class_than_the_model_has_its_own_files(copy):
    folder = copy("roberta")
    shutil.copyfile(sample_folder() / "vocab.txt", folder / "vocab.txt")
    assert "or vocab.json and merges.txt" in refusal(folder)
    set_json(folder / "tokenizer_config.json", tokenizer_class="BertTokenizerFast", model_max_length=512)
    with converted(folder, Silence()) as ready:
        assert "BertTokenizer" in ready.notes[0]


def test_a_file_that_is_not_made_a_tokenizer_is_named_with_the_lines_that_do_it(copy):
    folder = copy("bert")
    set_json(folder / "tokenizer_config.json", tokenizer_class="XLNetTokenizer")
    (folder / "spiece.model").write_bytes(b"pieces")
    said = refusal(folder)
    assert f"{folder} has no tokenizer.json, and berth cannot compare one that is made from spiece.model" in said
    assert "for an XLNetTokenizer: make it with these lines" in said
    assert f"    path = {str(folder)!r}\n    transformers.AutoTokenizer.from_pretrained(path)" in said


def test_a_tokenizer_that_is_python_is_refused_whatever_lies_beside_it(copy):
    folder = copy("bert", without_tokenizer=False)
    set_json(folder / "tokenizer_config.json", tokenizer_class="BertJapaneseTokenizer")
    assert "its tokenizer is a BertJapaneseTokenizer, which cuts Japanese words with MeCab" in refusal(folder)


@pytest.mark.parametrize("named", ["PreTrainedTokenizerFast", "TokenizersBackend"])
def test_a_tokenizer_json_of_a_model_of_python_tokenizers_is_taken(copy, named):
    folder = copy("bert", without_tokenizer=False)
    set_json(folder / "config.json", model_type="esm")
    set_json(folder / "tokenizer_config.json", tokenizer_class=named)
    check_files(load_checkpoint(folder, None))


def _write_vocabulary(path: Path, words: list[str]) -> None:
    ids = {word: number for number, word in enumerate(words)}
    path.write_text("\n".join([*words, ""]) if path.suffix == ".txt" else json.dumps(ids), "utf-8")


@pytest.mark.parametrize(("architecture", "file"), [("bert", "vocab.txt"), ("roberta", "vocab.json")])
def test_a_vocabulary_that_contradicts_tokenizer_json_is_refused(copy, architecture, file):
    folder = copy(architecture, without_tokenizer=False)
    tokens = AutoTokenizer.from_pretrained(folder).get_vocab()
    words = sorted(tokens, key=tokens.__getitem__)
    _write_vocabulary(folder / file, words)
    check_files(load_checkpoint(folder, None))
    words[1000] = "harbour"
    _write_vocabulary(folder / file, words)
    said = refusal(folder)
    assert f"tokenizer.json and {file} beside it are of two tokenizers: number 1000 is " in said
    assert "in the one and 'harbour' in the other; delete the one that" in said


@pytest.mark.parametrize(
    ("card", "config", "base"),
    [
        ("---\nbase_model: org/base\n---\n# Model\n", {}, "org/base"),
        ("---\nlicense: mit\nbase_model:\n- org/first\n- org/second\n---\n", {}, "org/first"),
        ("# No front matter\n", {"_name_or_path": "bert-base-uncased"}, "bert-base-uncased"),
        ("---\n: : [\n---\n", {"_name_or_path": "bert-base-uncased"}, "bert-base-uncased"),
        (None, {"_name_or_path": "org/base"}, "org/base"),
        ("---\nbase_model: org/base\n---\n", {"_name_or_path": "org/other"}, "org/base"),
    ],
)
def test_the_base_model_is_where_to_get_it(copy, card, config, base):
    folder = copy("bert")
    set_json(folder / "config.json", **config)
    if card is not None:
        (folder / "README.md").write_text(card)
    said = refusal(folder)
    assert f"if the model was trained from {base} and no tokens were added" in said
    assert f"transformers.AutoTokenizer.from_pretrained('{base}').save_pretrained('{folder}')" in said


@pytest.mark.parametrize("path", ["./output", "/home/me/output", "../a/b/c"])
def test_a_folder_is_not_taken_for_a_base_model(copy, path):
    folder = copy("bert")
    set_json(folder / "config.json", _name_or_path=path)
    assert path not in refusal(folder)


def test_a_model_card_outside_the_checkpoint_is_not_read(copy, tmp_path):
    (tmp_path / "secret.md").write_text("---\nbase_model: org/secret\n---\n")
    folder = copy("bert")
    (folder / "README.md").symlink_to("../secret.md")
    assert "org/secret" not in refusal(folder)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "is empty: download the checkpoint again"),
        (LFS_POINTER, "is a git-lfs pointer in the place of the file: run `git lfs pull` in"),
        (PAGE, "is a web page in the place of the file, as a download without a login leaves it: download the"),
        ("{", "is not JSON: "),
        ("[]", "does not hold a JSON object"),
        ("{}", "has no vocabulary, so it is not a tokenizer of the tokenizers library: save the tokenizer again"),
        ('{"model": {"type": "BPE"}}', "has no vocabulary"),
    ],
)
def test_a_damaged_tokenizer_is_named_with_its_cure(copy, content, said):
    folder = copy("bert")
    (folder / "tokenizer.json").write_text(content)
    assert f"{folder / 'tokenizer.json'} {said}" in refusal(folder)


@pytest.mark.parametrize("architecture", ["bert", "roberta", "xlm-roberta", "modernbert"])
def test_added_tokens_without_a_row_are_refused(copy, architecture):
    folder = copy(architecture, without_tokenizer=False)
    rows = json.loads((folder / "config.json").read_text())["vocab_size"]
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.add_tokens(["<order>", "<customer>"])
    tokenizer.save_pretrained(folder)
    said = refusal(folder)
    assert f"tokenizer.json has {rows + 2} tokens and the embedding matrix has {rows} rows" in said
    assert "call model.resize_token_embeddings(len(tokenizer)), train, and save both again" in said
    set_json(folder / "config.json", vocab_size=rows + 2)  # the matrix counts, whatever is said of it
    assert f"{rows} rows" in refusal(folder)


def test_a_matrix_that_was_resized_is_taken(copy):
    folder = copy("roberta", without_tokenizer=False)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.add_tokens(["<order>"])
    tokenizer.save_pretrained(folder)
    weights = load_file(folder / "model.safetensors")
    name = "roberta.embeddings.word_embeddings.weight"
    weights[name] = torch.cat([weights[name], weights[name][:1]])
    set_json(folder / "config.json", vocab_size=len(weights[name]))
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    check_files(load_checkpoint(folder, None))


def test_a_matrix_of_an_unknown_name_is_believed_by_vocab_size(copy):
    folder = copy("bert", without_tokenizer=False)
    weights = load_file(folder / "model.safetensors")
    weights = {name.replace("word_embeddings", "other"): tensor for name, tensor in weights.items()}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    check_files(load_checkpoint(folder, None))
    set_json(folder / "config.json", vocab_size=30000)
    assert "has 30522 tokens and config.json says that vocab_size is 30000" in refusal(folder)


@pytest.mark.parametrize(("more_rows", "is_taken"), [(1.0, True), (1.9, True), (2.1, False)])
def test_a_tokenizer_that_leaves_half_of_the_matrix_unused_is_refused(copy, more_rows, is_taken):
    folder = copy("roberta", without_tokenizer=False)
    weights = load_file(folder / "model.safetensors")
    name = "roberta.embeddings.word_embeddings.weight"
    rows = int(len(weights[name]) * more_rows)
    set_json(folder / "config.json", vocab_size=rows)
    weights[name] = torch.cat([weights[name]] * 3)[:rows].clone()
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    if is_taken:
        check_files(load_checkpoint(folder, None))
    else:
        said = refusal(folder)
        assert f"tokens and the embedding matrix has {rows} rows, so it seems to be another model's" in said
        assert "call model.resize_token_embeddings(len(tokenizer))" in said


@pytest.mark.parametrize("architecture", ["bert", "roberta"])
def test_berth_pack_says_it_at_once(copy, architecture, tmp_path):
    folder = copy(architecture, "tokenizer_config.json")
    command = [BERTH, "pack", str(folder), "--output", str(tmp_path / "store")]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 4
    assert "has no tokenizer: it needs tokenizer.json" in " ".join(ran.stderr.split())
    assert "Traceback" not in ran.stderr
    assert not (tmp_path / "store").exists()
