"""A vocabulary becomes a tokenizer.json that reads every line as the original did, or is refused in one sentence."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import sentencepiece
from tokenizers import Tokenizer
from transformers import AutoTokenizer

from berth.convert.convert import converted
from berth.convert.tokenizer.conversion import make_tokenizers, needs_tokenizer
from berth.convert.tokenizer.lines import comparison_lines
from berth.errors import Refused
from berth.progress import Silence
from tests.support.checkpoints.slow_tokenizers import FILES, train_pieces, write_vocabulary

CLASSES = {
    "albert": "AlbertTokenizer",
    "bert": "BertTokenizer",
    "big_bird": "BigBirdTokenizer",
    "camembert": "CamembertTokenizer",
    "deberta": "DebertaTokenizer",
    "deberta-v2": "DebertaV2Tokenizer",
    "distilbert": "DistilBertTokenizer",
    "mpnet": "MPNetTokenizer",
    "rembert": "RemBertTokenizer",
    "roberta": "RobertaTokenizer",
    "xlm-roberta": "XLMRobertaTokenizer",
}
WITH_TYPES = {"albert", "bert", "deberta", "deberta-v2", "rembert"}
Make = Callable[..., Path]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """make(architecture, **settings): a folder with its vocabulary, config.json, and `settings` of the tokenizer."""

    def made(architecture: str, **settings: object) -> Path:
        folder = tmp_path / "model"
        folder.mkdir()
        write_vocabulary(folder, architecture, **settings)
        (folder / "config.json").write_text(json.dumps({"model_type": architecture}))
        return folder

    return made


def _refusal(folder: Path) -> str:
    with pytest.raises(Refused) as refused, converted(folder, Silence()):
        pass
    return str(refused.value)


@pytest.mark.parametrize("architecture", CLASSES)
def test_the_converted_tokenizer_reads_1000_lines_as_the_original_does(make, architecture):
    folder = make(architecture)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with converted(folder, Silence()) as ready:
        assert [note.rpartition("gives the ids of ")[2] for note in ready.notes] == [
            f"the original {CLASSES[architecture]} on 1,000 lines."
        ]
        assert {path.name for path in ready.folder.iterdir()} == {
            "config.json",
            "tokenizer.json",
            "tokenizer_config.json",
        }
        tokenizer = AutoTokenizer.from_pretrained(ready.folder)
        assert tokenizer.model_max_length == 128
        assert ("token_type_ids" in tokenizer.model_input_names) is (architecture in WITH_TYPES)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


# Of each family's published model: fairseq's four tokens before the pieces (XLM-R) or five (CamemBERT), of which
# sentencepiece's own three are left out, and its unknown is number 3; the others have sentencepiece's ids.
FAIRSEQ = {"xlm-roberta": 1, "camembert": 4}
ENDS = {"xlm-roberta": (0, 2), "camembert": (5, 6), "deberta-v2": (1, 2), "rembert": (3, 4), "big_bird": (4, 5)}


@pytest.mark.parametrize("architecture", ENDS)
def test_the_ids_are_those_of_sentencepiece_itself(make, architecture):
    folder = make(architecture)
    model = sentencepiece.SentencePieceProcessor(str(folder / FILES[architecture]))
    first, last = ENDS[architecture]
    offset = FAIRSEQ.get(architecture)
    make_tokenizers(folder, Silence())
    backend = Tokenizer.from_file(str(folder / "tokenizer.json"))  # the worker's library, nothing of transformers
    lines = comparison_lines(())
    assert len(lines) == 1000
    for line in lines:
        ids = model.encode(line)
        if offset is not None:
            ids = [3 if number == model.unk_id() else number + offset for number in ids]
        assert backend.encode(line).ids == [first, *ids, last], ascii(line)


def test_pairs_of_deberta_have_one_separator_between_them(make):
    """microsoft/DeBERTa: [CLS] A [SEP] B [SEP], types 0 and 1; transformers 5.23 puts two."""
    folder = make("deberta")
    make_tokenizers(folder, Silence())
    encoded = AutoTokenizer.from_pretrained(folder)("a", "b")
    assert encoded["input_ids"] == [1, 69, 2, 70, 2]
    assert encoded["token_type_ids"] == [0, 0, 0, 1, 1]


@pytest.mark.parametrize(
    ("settings", "text", "tokens"),
    [
        ({}, "Café 中国", ["[CLS]", "cafe", "中", "国", "[SEP]"]),
        ({"strip_accents": False}, "Café", ["[CLS]", "[UNK]", "[SEP]"]),
        ({"do_lower_case": False}, "The the", ["[CLS]", "[UNK]", "the", "[SEP]"]),
        ({"tokenize_chinese_chars": False}, "中国", ["[CLS]", "中", "##国", "[SEP]"]),
    ],
)
def test_the_settings_of_a_word_piece_tokenizer_hold(make, settings, text, tokens):
    """What Google's bert-base-uncased vocabulary gives, by its own algorithm."""
    folder = make("bert", **settings)
    make_tokenizers(folder, Silence())
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert tokenizer.convert_ids_to_tokens(tokenizer(text)["input_ids"]) == tokens


@pytest.mark.parametrize("architecture", ["bert", "roberta", "xlm-roberta", "albert", "deberta-v2"])
def test_added_tokens_keep_their_ids(make, architecture):
    folder = make(architecture)
    make_tokenizers(folder, Silence())
    number = len(AutoTokenizer.from_pretrained(folder))
    shutil.rmtree(folder)
    folder = make(architecture)
    added = {"<order>": number, "<customer>": number + 1}
    mask = {"[MASK]": number - 1} if architecture == "deberta-v2" else {}  # as transformers 4 wrote it
    (folder / "added_tokens.json").write_text(json.dumps(mask | added))
    (folder / "special_tokens_map.json").write_text(json.dumps({"additional_special_tokens": ["<order>"]}))
    make_tokenizers(folder, Silence())
    tokenizer = AutoTokenizer.from_pretrained(folder)
    ids = tokenizer("the <order> of <customer>")["input_ids"]
    assert [each for each in ids if each >= number] == [number, number + 1]
    assert not (folder / "added_tokens.json").exists()


@pytest.mark.parametrize("architecture", ["roberta", "deberta", "mpnet", "rembert", "xlm-roberta"])
def test_the_mask_takes_the_space_before_it(make, architecture):
    """As in transformers 4; a space of its own would stand before it otherwise, and another word be found for it."""
    folder = make(architecture)
    make_tokenizers(folder, Silence())
    tokenizer = AutoTokenizer.from_pretrained(folder)
    text, mask = "ab", tokenizer.mask_token
    spaced, joined = (tokenizer(each)["input_ids"] for each in (f"{text} {mask}.", f"{text}{mask}."))
    assert spaced == joined
    assert tokenizer.mask_token_id in spaced


def test_the_worker_reads_it_without_sentencepiece(make):
    folder = make("deberta-v2")
    (folder / "config.json").write_text(json.dumps({"model_type": "deberta-v2", "vocab_size": 2000}))
    make_tokenizers(folder, Silence())
    expected = AutoTokenizer.from_pretrained(folder)("ﬁve ships, no accents: naïve")["input_ids"]
    program = (
        "import sys; sys.modules['sentencepiece'] = None; from pathlib import Path; "
        "from handler.text.tokenization import Tokenizer; tokenizer = Tokenizer(Path(sys.argv[1])); "
        "print(tokenizer._backend.encode('ﬁve ships, no accents: naïve').ids)"
    )
    ran = subprocess.run([sys.executable, "-c", program, str(folder)], capture_output=True, text=True, check=True)
    assert json.loads(ran.stdout) == expected


def test_without_sentencepiece_it_is_refused_at_once(make):
    folder = make("xlm-roberta")
    program = (
        "import sys; sys.modules['sentencepiece'] = None; from pathlib import Path; "
        "from berth.convert.tokenizer.conversion import needs_tokenizer; from berth.errors import Refused\n"
        "try: needs_tokenizer(Path(sys.argv[1]))\n"
        "except Refused as refused: print(refused)\n"
        "print({'torch', 'transformers', 'numpy', 'tokenizers'} & set(sys.modules))"
    )
    ran = subprocess.run([sys.executable, "-c", program, str(folder)], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines() == [
        f"{folder / 'sentencepiece.bpe.model'} is read by the package sentencepiece, which is not installed here (the "
        "server does not need it): run `pip install sentencepiece`, then pack again",
        "set()",
    ]


def test_a_folder_with_a_tokenizer_json_stays_as_it_is(make):
    folder = make("bert")
    make_tokenizers(folder, Silence())
    assert not needs_tokenizer(folder)
    with converted(folder, Silence()) as ready:
        assert (ready.folder, ready.notes) == (folder, ())


def test_the_transformer_of_an_old_sentence_transformers_folder_is_found(make, tmp_path):
    inner = tmp_path / "sentences" / "0_BERT"
    inner.parent.mkdir()
    (inner.parent / "modules.json").write_text(
        '[{"path": "0_BERT", "type": "sentence_transformers.models.Transformer"}]'
    )
    make("bert").rename(inner)
    with converted(inner.parent, Silence()) as ready:
        assert (ready.folder / "0_BERT" / "tokenizer.json").is_file()


@pytest.mark.parametrize(
    ("named", "peculiar"),
    [
        ("BertJapaneseTokenizer", "cuts Japanese words with MeCab, Sudachi or Juman"),
        ("BertweetTokenizer", "rewrites tweets in Python"),
        ("PhobertTokenizer", "joins Vietnamese words by bpe.codes"),
        ("ByT5Tokenizer", "reads single bytes"),
        ("CanineTokenizer", "reads single characters"),
        ("LukeTokenizer", "marks the places of entities"),
    ],
)
def test_what_only_its_own_python_can_read_is_refused(make, named, peculiar):
    said = _refusal(make("bert", tokenizer_class=named))
    assert f"its tokenizer is a {named}, which {peculiar}" in said
    assert "berth serves what the tokenizers library can run" in said
    assert "\n" not in said


@pytest.mark.parametrize(("content", "said"), [(b"", "is empty"), (b"version https://git-lfs.github.com", "git-lfs")])
@pytest.mark.parametrize("architecture", ["bert", "roberta", "xlm-roberta"])
def test_a_damaged_vocabulary_is_named(make, architecture, content, said):
    folder = make(architecture)
    file = next(path for path in folder.iterdir() if path.name.startswith(("vocab", "sentence")))
    file.write_bytes(content)
    assert f"{file} is " in _refusal(folder)
    assert said in _refusal(folder)


@pytest.mark.parametrize("architecture", ["roberta", "xlm-roberta", "deberta-v2"])
def test_what_is_no_vocabulary_is_one_sentence(make, architecture):
    folder = make(architecture)
    file = next(path for path in folder.iterdir() if path.suffix == ".model" or path.name == "vocab.json")
    file.write_bytes(b"\xff\xfe no vocabulary")
    said = _refusal(folder)
    assert said.startswith(f"no tokenizer can be made from {file}: ")
    assert "\n" not in said


@pytest.mark.parametrize("options", [{"add_dummy_prefix": False}, {"remove_extra_whitespaces": False}])
def test_a_model_that_would_be_read_otherwise_is_refused_with_the_first_line(make, options):
    """Real sentencepiece models, with options that no family's tokenizer.json has."""
    folder = make("xlm-roberta")
    train_pieces("xlm-roberta", folder / "sentencepiece.bpe.model", **options)
    said = _refusal(folder)
    assert f"{folder / 'sentencepiece.bpe.model'} was not converted rightly" in said
    assert "the tokenizer.json makes [0, " in said
    assert "and XLMRobertaTokenizer [0, " in said
    assert "\n" not in said


def test_a_vocabulary_whose_ids_were_moved_is_refused(make):
    folder = make("bert")
    (folder / "added_tokens.json").write_text(json.dumps({"the": 7}))
    assert "of 'the' the tokenizer.json makes" in _refusal(folder)
