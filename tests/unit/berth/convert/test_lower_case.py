"""do_lower_case of sentence-transformers: the tokenizer lowers as its own does, and only where that changes a text."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer
from tokenizers.normalizers import BertNormalizer, Lowercase, Sequence
from transformers import AutoTokenizer

from berth.convert.convert import converted
from berth.convert.lower_case import lowered
from berth.errors import Refused
from berth.pack.load_checkpoint import load_checkpoint
from berth.progress import Silence
from tests.support.checkpoints.sentence_transformers import make_sentence_checkpoint

TEXTS = ["Hello WORLD", "İSTANBUL ÇA", "ÀÉÎ Straße ΣΑΣ", "[MASK] [CLS] <mask>", " X  y\tZ\n", "漢字 AB", "ǅ Ω K"]
LOWERING_BERT = {"type": "BertNormalizer", "lowercase": True, "clean_text": True, "handle_chinese_chars": True}
KEEPING_BERT = LOWERING_BERT | {"lowercase": False}


def change(path: Path, **settings: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | settings))


def cased(folder: Path, architecture: str) -> Path:
    """A model that says do_lower_case, whose tokenizer keeps capitals."""
    make_sentence_checkpoint(folder, architecture=architecture)
    change(folder / "sentence_bert_config.json", do_lower_case=True)
    change(folder / "tokenizer_config.json", do_lower_case=False)
    AutoTokenizer.from_pretrained(folder).save_pretrained(folder)  # its tokenizer.json keeps them too
    return folder


@pytest.mark.parametrize("architecture", ["bert", "roberta", "xlm-roberta", "albert", "deberta-v2", "modernbert"])
def test_every_token_is_that_of_sentence_transformers(tmp_path: Path, architecture: str) -> None:
    from sentence_transformers.sentence_transformer.modules import Transformer  # noqa: PLC0415

    folder = cased(tmp_path / "model", architecture)
    before = {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}
    theirs: Any = Transformer.load(str(folder), local_files_only=True).tokenizer
    plain = AutoTokenizer.from_pretrained(folder)
    with converted(folder, Silence()) as ready:
        ours = AutoTokenizer.from_pretrained(ready.folder)
        assert ready.notes == ("sentence_bert_config.json sets do_lower_case: the tokenizer lowers every text now",)
        assert [dict(ours(text, text)) for text in TEXTS] == [dict(theirs(text, text)) for text in TEXTS]
        assert [ours(text)["input_ids"] for text in TEXTS] != [plain(text)["input_ids"] for text in TEXTS]
        load_checkpoint(ready.folder, None)
    assert {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()} == before


def test_a_tokenizer_that_lowers_stays_as_it_is(tmp_path: Path) -> None:
    folder = make_sentence_checkpoint(tmp_path / "model")
    change(folder / "sentence_bert_config.json", do_lower_case=True)
    assert json.loads((folder / "tokenizer.json").read_text())["normalizer"]["lowercase"] is True
    with converted(folder, Silence()) as ready:
        assert ready.folder == folder
    change(folder / "tokenizer_config.json", do_lower_case=False)  # which is what transformers 5 heeds
    with converted(folder, Silence()) as ready:
        assert len(ready.notes) == 1


def test_without_modules_sentence_transformers_does_not_look(tmp_path: Path) -> None:
    folder = cased(tmp_path / "model", "bert")
    (folder / "modules.json").unlink()
    with converted(folder, Silence()) as ready:
        assert ready.notes == ()


def test_a_tokenizer_that_cannot_be_loaded_is_refused(tmp_path: Path) -> None:
    folder = cased(tmp_path / "model", "roberta")
    change(folder / "tokenizer.json", model={"type": "Unheard"})
    with (
        pytest.raises(Refused, match=rf"transformers cannot load the tokenizer in {folder}: \w+: "),
        converted(folder, Silence()),
    ):
        pass


@pytest.mark.parametrize("strip_accents", [None, True, False])
def test_lowering_before_a_lowering_bert_changes_no_character(strip_accents: bool | None) -> None:
    alone = BertNormalizer(strip_accents=strip_accents, lowercase=True)
    behind = Sequence([Lowercase(), alone])
    surrogates = range(0xD800, 0xE000)
    for start in range(0, sys.maxunicode, 2**15):
        text = "".join(chr(code) for code in range(start, start + 2**15) if code not in surrogates)
        assert behind.normalize_str(text) == alone.normalize_str(text)


@pytest.mark.parametrize(
    "normalizer",
    [
        None,
        {"type": "Lowercase"},
        KEEPING_BERT,
        LOWERING_BERT,
        {"type": "Sequence", "normalizers": [{"type": "NFD"}, {"type": "Lowercase"}]},
        {"type": "Sequence", "normalizers": [{"type": "NFD"}, LOWERING_BERT]},
        {"type": "Sequence", "normalizers": []},
    ],
)
def test_the_rule_is_that_of_sentence_transformers(tmp_path: Path, normalizer: Any) -> None:
    from sentence_transformers.sentence_transformer.modules import Transformer  # noqa: PLC0415

    folder = cased(tmp_path / "model", "modernbert")  # whose class takes the normalizer as it stands in tokenizer.json
    change(folder / "tokenizer.json", normalizer=normalizer)
    theirs: Any = Transformer.load(str(folder), local_files_only=True).tokenizer
    written = json.loads((folder / "tokenizer.json").read_text("utf-8")) | {"normalizer": lowered(normalizer)}
    ours = Tokenizer.from_str(json.dumps(written))
    assert json.loads(ours.to_str())["normalizer"] == json.loads(theirs.backend_tokenizer.to_str())["normalizer"]
