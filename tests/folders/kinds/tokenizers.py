"""Folders with a tokenizer as it was before tokenizer.json, and with tokenizers that cannot be served.

The expected answers are the folder's own model's, for the ids of the original tokenizer: sentencepiece itself, Google's
WordPiece in transformers' own Python; for byte-level BPE transformers' fast one, for there is no other left.
"""

import json
import unicodedata
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import torch
from transformers import AutoConfig, AutoModelForSequenceClassification, AutoTokenizer
from transformers.models.bert.tokenization_bert_legacy import BertTokenizerLegacy

from berth.convert.tokenizer.conversion import make_tokenizers
from berth.progress import Silence
from tests.support.checkpoints.slow_tokenizers import FILES, MAX_TOKENS, make_slow_checkpoint, train_pieces

from ..kind import Kind, Numbers

Ids = Callable[[Path, str], list[int]]


def _make(architecture: str, folder: Path, **settings: object) -> str:
    return str(make_slow_checkpoint(folder, architecture, **settings))


def _of_transformers_4(architecture: str, name: str, folder: Path) -> str:
    """tokenizer.json reads as the sentencepiece model beside it, and names the class that transformers makes anew."""
    make_slow_checkpoint(folder, architecture)
    pieces = (folder / FILES[architecture]).read_bytes()
    make_tokenizers(folder, Silence())
    (folder / FILES[architecture]).write_bytes(pieces)
    config = json.loads((folder / "tokenizer_config.json").read_text("utf-8"))
    del config["backend"]  # only transformers 5 writes it
    (folder / "tokenizer_config.json").write_text(json.dumps(config | {"tokenizer_class": name}), "utf-8")
    return str(folder)


def _answers(ids: Ids, folder: Path, texts: Sequence[str]) -> Numbers:
    """The scores of the three labels, text by text; a long text is cut before its last special token."""
    model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    scores: Numbers = []
    with torch.inference_mode():
        for text in texts:
            *begin, last = ids(folder, text)
            (logits,) = model(input_ids=torch.tensor([[*begin[: MAX_TOKENS - 1], last]])).logits
            scores.append(logits.softmax(-1).tolist())
    return scores


def _pieces(architecture: str, first: int, last: int, folder: Path, text: str) -> list[int]:
    """sentencepiece's ids between the two special tokens; fairseq's begin elsewhere, and 3 is its unknown."""
    import sentencepiece  # noqa: PLC0415 - not everybody has it

    model = sentencepiece.SentencePieceProcessor(str(folder / FILES[architecture]))
    ids = model.encode(_like_albert(text) if architecture == "albert" else text)
    if offset := {"xlm-roberta": 1, "camembert": 4}.get(architecture):
        ids = [3 if number == model.unk_id() else number + offset for number in ids]
    return [first, *ids, last]


def _like_albert(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(char for char in decomposed if not unicodedata.combining(char)).lower()


def _words(folder: Path, text: str) -> list[int]:
    settings = json.loads((folder / "tokenizer_config.json").read_text("utf-8"))
    tokenizer = BertTokenizerLegacy(
        str(folder / "vocab.txt"), **{name: settings[name] for name in ("do_lower_case",) if name in settings}
    )
    return list(tokenizer(text, verbose=False)["input_ids"])


def _fast(folder: Path, text: str) -> list[int]:
    return list(AutoTokenizer.from_pretrained(folder)(text, verbose=False)["input_ids"])


# The special tokens that the published models put around a text.
AROUND = {
    "xlm-roberta": (0, 2),
    "camembert": (5, 6),
    "albert": (2, 3),
    "deberta-v2": (1, 2),
    "rembert": (3, 4),
    "big_bird": (4, 5),
}
CONVERTED: tuple[tuple[str, str, Ids], ...] = (
    *((f"{FILES[name]} alone: {name}", name, partial(_pieces, name, *around)) for name, around in AROUND.items()),
    ("vocab.txt alone: bert", "bert", _words),
    ("vocab.txt alone: distilbert", "distilbert", _words),
    ("vocab.json and merges.txt alone: roberta", "roberta", _fast),
    ("vocab.json and merges.txt alone: deberta", "deberta", _fast),
)


def _of_class(name: str, folder: Path) -> str:
    return _make("bert", folder, tokenizer_class=name)


def _odd_pieces(folder: Path) -> str:
    address = _make("xlm-roberta", folder)
    train_pieces("xlm-roberta", folder / FILES["xlm-roberta"], add_dummy_prefix=False)
    return address


def _damaged(folder: Path) -> str:
    address = _make("xlm-roberta", folder)
    (folder / FILES["xlm-roberta"]).write_bytes(b"")
    return address


def _contradiction(folder: Path) -> str:
    """A tokenizer.json, and beside it the vocabulary of another model."""
    address = _make("bert", folder)
    AutoTokenizer.from_pretrained(folder).save_pretrained(folder)
    lines = (folder / "vocab.txt").read_text("utf-8").splitlines()
    (folder / "vocab.txt").write_text("\n".join([*lines[:1000], "harbour", *lines[1000:]]), "utf-8")
    return address


def _of_another_model(folder: Path) -> str:
    """The tokenizer of a small vocabulary under a model of a large one."""
    address = _make("roberta", folder)
    config = AutoConfig.from_pretrained(folder)
    config.vocab_size = 30_000
    AutoModelForSequenceClassification.from_config(config).save_pretrained(folder)
    AutoTokenizer.from_pretrained(folder).save_pretrained(folder)
    return address


REFUSED: tuple[tuple[str, Callable[[Path], str], str], ...] = (
    ("Japanese BERT: MeCab", partial(_of_class, "BertJapaneseTokenizer"), "cuts Japanese words with MeCab"),
    ("BERTweet", partial(_of_class, "BertweetTokenizer"), "rewrites tweets in Python"),
    ("PhoBERT", partial(_of_class, "PhobertTokenizer"), "joins Vietnamese words"),
    ("CANINE's characters", partial(_of_class, "CanineTokenizer"), "reads single characters by rules of its own"),
    ("ByT5's bytes", partial(_of_class, "ByT5Tokenizer"), "reads single bytes by rules of its own"),
    ("LUKE's entities", partial(_of_class, "LukeTokenizer"), "marks the places of entities"),
    ("an empty sentencepiece.bpe.model", _damaged, "sentencepiece.bpe.model is empty"),
    ("a tokenizer of 2,000 tokens under 30,000 embeddings", _of_another_model, "so it seems to be another model's"),
    ("vocab.txt of another model beside tokenizer.json", _contradiction, "are of two tokenizers: number 1000"),
)
KINDS = (
    *(
        Kind(name=name, make=partial(_make, architecture), expected=partial(_answers, ids))
        for name, architecture, ids in CONVERTED
    ),
    Kind(
        name="vocab.txt alone: a cased bert, by tokenizer_config.json",
        make=partial(_make, "bert", do_lower_case=False),
        expected=partial(_answers, _words),
    ),
    Kind(
        name="a DeBERTa-v3 whose tokenizer.json transformers 4 saved",
        make=partial(_of_transformers_4, "deberta-v2", "DebertaV2Tokenizer"),
        expected=partial(_answers, partial(_pieces, "deberta-v2", 1, 2)),
    ),
    *(Kind(name=name, make=make, sentence=sentence) for name, make, sentence in REFUSED),
    Kind(
        name="sentencepiece options that no tokenizer.json has",
        make=_odd_pieces,
        sentence="was not converted rightly, and the model would read texts otherwise than in training: of ",
        from_files=False,
    ),
)
