"""check_files: a tokenizer that is missing, damaged or too large, and labels that do not fit, said by files alone."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoTokenizer

from berth.errors import Refused
from berth.pack.check.files import check_files
from berth.pack.load_checkpoint import load_checkpoint
from berth.sources.sample import sample_folder
from handler.config import Task

BERTH = str(Path(sys.executable).with_name("berth"))
LFS_POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:0a1b\nsize 17082987\n"
PAGE = "\n<!DOCTYPE html><html><title>Sign in</title></html>"
Copy = Callable[..., Path]


@pytest.fixture
def copy(checkpoint, tmp_path) -> Copy:
    """copy(architecture, *names): a classifier's folder, to change; without the tokenizer's files but for `names`."""

    def copied(architecture: str, *names: str, without_tokenizer: bool = True) -> Path:
        folder = Path(shutil.copytree(checkpoint(architecture, Task.TEXT_CLASSIFICATION), tmp_path / "model"))
        for file in folder.iterdir() if without_tokenizer else ():
            if file.name not in {"config.json", "model.safetensors", *names}:
                file.unlink()
        return folder

    return copied


def _set(path: Path, **settings: object) -> None:
    values = (json.loads(path.read_text("utf-8")) if path.exists() else {}) | settings
    path.write_text(json.dumps(values), "utf-8")


def _refusal(folder: Path) -> str:
    with pytest.raises(Refused) as refused:
        check_files(load_checkpoint(folder, None))
    return str(refused.value)


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
    said = _refusal(folder)
    assert f"{folder} has no tokenizer: it needs tokenizer.json, or {needed}, and without it transformers makes" in said
    assert f"tokenizer.save_pretrained('{folder}')" in said


def test_a_tokenizer_without_other_files_needs_tokenizer_json(copy):
    assert "it needs tokenizer.json, and without it" in _refusal(copy("modernbert", "tokenizer_config.json"))


def test_a_file_of_another_tokenizer_does_not_help(copy):
    folder = copy("bert", "tokenizer_config.json")
    (folder / "vocab.json").write_text("{}")
    assert "it needs tokenizer.json, or vocab.txt, and without it" in _refusal(folder)


@pytest.mark.parametrize(("kept", "wanted"), [("vocab.json", "merges.txt"), ("merges.txt", "vocab.json")])
def test_half_of_a_byte_level_tokenizer_is_refused(copy, kept, wanted):
    assert f"it needs tokenizer.json, or {wanted} beside {kept}, and" in _refusal(copy("roberta", kept))


def test_what_a_tokenizer_is_made_from_is_enough(copy):
    check_files(load_checkpoint(copy("roberta", "vocab.json", "merges.txt"), None))


def test_a_tokenizer_of_another_class_than_the_model_has_its_own_files(copy):
    folder = copy("roberta")
    shutil.copyfile(sample_folder() / "vocab.txt", folder / "vocab.txt")
    assert "or vocab.json and merges.txt" in _refusal(folder)
    _set(folder / "tokenizer_config.json", tokenizer_class="BertTokenizerFast")
    check_files(load_checkpoint(folder, None))


def test_bytes_and_characters_need_no_files(copy):
    folder = copy("bert")
    _set(folder / "tokenizer_config.json", tokenizer_class="CanineTokenizer")
    check_files(load_checkpoint(folder, None))


def test_sentencepiece_needs_its_package(copy):
    folder = copy("xlm-roberta")
    (folder / "sentencepiece.bpe.model").write_bytes(b"\x0a\x0e")
    said = _refusal(folder)
    assert (
        "sentencepiece.bpe.model can be read only with the package sentencepiece, which is not installed here" in said
    )
    assert "tokenizer.save_pretrained" in said


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
    _set(folder / "config.json", **config)
    if card is not None:
        (folder / "README.md").write_text(card)
    said = _refusal(folder)
    assert f"if the model was trained from {base} and no tokens were added" in said
    assert f"transformers.AutoTokenizer.from_pretrained('{base}').save_pretrained('{folder}')" in said


@pytest.mark.parametrize("path", ["./output", "/home/me/output", "../a/b/c"])
def test_a_folder_is_not_taken_for_a_base_model(copy, path):
    folder = copy("bert")
    _set(folder / "config.json", _name_or_path=path)
    assert path not in _refusal(folder)


def test_a_model_card_outside_the_checkpoint_is_not_read(copy, tmp_path):
    (tmp_path / "secret.md").write_text("---\nbase_model: org/secret\n---\n")
    folder = copy("bert")
    (folder / "README.md").symlink_to("../secret.md")
    assert "org/secret" not in _refusal(folder)


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
    assert f"{folder / 'tokenizer.json'} {said}" in _refusal(folder)


@pytest.mark.parametrize("content", ["", LFS_POINTER, PAGE])
def test_a_damaged_vocabulary_is_named(copy, content):
    folder = copy("bert")
    (folder / "vocab.txt").write_text(content)
    assert f"{folder / 'vocab.txt'} is " in _refusal(folder)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (LFS_POINTER.encode(), "is a git-lfs pointer"),
        (b"\xff" * 99, "is not a safetensors file: .*; download the checkpoint again"),
        (b"\x04\0\0\0\0\0\0\0[{}]", "is not a safetensors file"),
        (b"\x02\0", "is not a safetensors file"),
    ],
)
def test_damaged_weights_are_named(copy, content, said):
    folder = copy("bert", without_tokenizer=False)
    (folder / "model.safetensors").write_bytes(content)
    with pytest.raises(Refused, match=rf"model\.safetensors {said}"):
        check_files(load_checkpoint(folder, None))


@pytest.mark.parametrize("architecture", ["bert", "roberta", "xlm-roberta", "modernbert"])
def test_added_tokens_without_a_row_are_refused(copy, architecture):
    folder = copy(architecture, without_tokenizer=False)
    rows = json.loads((folder / "config.json").read_text())["vocab_size"]
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.add_tokens(["<order>", "<customer>"])
    tokenizer.save_pretrained(folder)
    said = _refusal(folder)
    assert f"tokenizer.json has {rows + 2} tokens and the embedding matrix has {rows} rows" in said
    assert "call model.resize_token_embeddings(len(tokenizer)), train, and save both again" in said
    _set(folder / "config.json", vocab_size=rows + 2)  # the matrix counts, whatever is said of it
    assert f"{rows} rows" in _refusal(folder)


def test_a_matrix_that_was_resized_is_taken(copy):
    folder = copy("roberta", without_tokenizer=False)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.add_tokens(["<order>"])
    tokenizer.save_pretrained(folder)
    weights = load_file(folder / "model.safetensors")
    name = "roberta.embeddings.word_embeddings.weight"
    weights[name] = torch.cat([weights[name], weights[name][:1]])
    _set(folder / "config.json", vocab_size=len(weights[name]))
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    check_files(load_checkpoint(folder, None))


def test_a_matrix_of_an_unknown_name_is_believed_by_vocab_size(copy):
    folder = copy("bert", without_tokenizer=False)
    weights = load_file(folder / "model.safetensors")
    weights = {name.replace("word_embeddings", "other"): tensor for name, tensor in weights.items()}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    check_files(load_checkpoint(folder, None))
    _set(folder / "config.json", vocab_size=30000)
    assert "has 30522 tokens and config.json says that vocab_size is 30000" in _refusal(folder)


@pytest.mark.parametrize("architecture", ["bert", "roberta"])
@pytest.mark.parametrize("count", [2, 4])
def test_labels_beside_the_heads_outputs(copy, architecture, count):
    folder = copy(architecture, without_tokenizer=False)
    _set(folder / "config.json", id2label={str(number): f"label {number}" for number in range(count)})
    assert f"config.json has {count} labels and the model's head has 3 outputs" in _refusal(folder)


def test_labels_are_numbered_from_0(copy):
    folder = copy("bert", without_tokenizer=False)
    _set(folder / "config.json", id2label={"1": "a", "2": "b", "3": "c"})
    assert "numbers its labels 1, 2, 3: id2label must number them from 0 to 2" in _refusal(folder)


@pytest.mark.parametrize("architecture", ["bert", "roberta"])
def test_berth_pack_says_it_at_once(copy, architecture, tmp_path):
    folder = copy(architecture, "tokenizer_config.json")
    command = [BERTH, "pack", str(folder), "--output", str(tmp_path / "store")]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 4
    assert "has no tokenizer: it needs tokenizer.json" in " ".join(ran.stderr.split())
    assert "Traceback" not in ran.stderr
    assert not (tmp_path / "store").exists()


def test_nothing_heavy_is_imported(copy):
    program = (
        "import sys; from pathlib import Path; from berth.errors import Refused; "
        "from berth.pack.check.files import check_files; from berth.pack.load_checkpoint import load_checkpoint; "
        "check_files(load_checkpoint(Path(sys.argv[1]), None)); "
        "print(sorted({'numpy', 'safetensors', 'tokenizers', 'torch', 'transformers'} & set(sys.modules)))"
    )
    folder = copy("bert", without_tokenizer=False)
    ran = subprocess.run([sys.executable, "-c", program, str(folder)], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
