"""A fast tokenizer of each family's own kind, made from the sample's vocabulary: small and the same every time.

Nothing is trained but the byte-level BPE: tokenizers' UnigramTrainer (0.23) gives other scores at each run.
"""

import math
import string
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, ByteLevelBPETokenizer, Tokenizer, normalizers, processors
from transformers import (
    AlbertTokenizer,
    AutoTokenizer,
    CamembertTokenizer,
    DebertaV2Tokenizer,
    DistilBertTokenizer,
    MPNetTokenizer,
    PreTrainedTokenizerFast,
    RobertaTokenizerFast,
    XLMRobertaTokenizer,
)

from berth.sources.sample import installed_folder

MAX_LENGTH = 512
NUM_UNUSED = 999  # the sample's vocabulary begins with its special tokens and [unused...]
NUM_PIECES = 4000
NUM_MERGED = 2000
Piece = tuple[str, float]


@cache
def _sample_words() -> tuple[str, ...]:
    """The sample's WordPiece vocabulary in its order: special tokens, single characters, then the frequent first."""
    return tuple((installed_folder() / "vocab.txt").read_text("utf-8").splitlines())


def _mask(token: str) -> AddedToken:
    """The mask takes the space before it, as in RoBERTa's and its heirs' own files."""
    return AddedToken(token, lstrip=True, special=True)


def _bert(_folder: Path) -> Any:
    return AutoTokenizer.from_pretrained(installed_folder(), model_max_length=MAX_LENGTH)


def _distilbert(_folder: Path) -> Any:
    return DistilBertTokenizer.from_pretrained(installed_folder(), model_max_length=MAX_LENGTH)


def _mpnet(_folder: Path) -> Any:
    """microsoft/mpnet-base's vocabulary: four tokens of its own, BERT's, and the mask."""
    words = ("<s>", "<pad>", "</s>", "<unk>", *_sample_words(), "<mask>")
    vocabulary = {word: index for index, word in enumerate(words)}
    return MPNetTokenizer(vocab=vocabulary, model_max_length=MAX_LENGTH)


def byte_level_bpe(special_tokens: list[str | AddedToken]) -> Any:
    """Small, deterministic, and complete for any text; as in the real ones most tokens begin with a word's space."""
    words = [word for word in _sample_words()[NUM_UNUSED : NUM_UNUSED + NUM_PIECES] if not word.startswith("##")]
    bpe = ByteLevelBPETokenizer()
    bpe.train_from_iterator(
        [f"{word} {word} {word.capitalize()}" for word in words],
        vocab_size=NUM_MERGED,
        special_tokens=special_tokens,
        show_progress=False,
    )
    return bpe


def _roberta(folder: Path) -> Any:
    byte_level_bpe(["<s>", "<pad>", "</s>", "<unk>", "<mask>"]).save_model(str(folder))
    return RobertaTokenizerFast.from_pretrained(folder, model_max_length=MAX_LENGTH, mask_token=_mask("<mask>"))


def _modernbert(_folder: Path) -> Any:
    """As answerdotai/ModernBERT-base: BERT's special tokens around a byte-level BPE, and no class of its own."""
    names = ("UNK", "CLS", "SEP", "PAD", "MASK")
    bpe = Tokenizer.from_str(byte_level_bpe([*(f"[{name}]" for name in names[:-1]), _mask("[MASK]")]).to_str())
    bpe.normalizer = normalizers.NFC()
    bpe.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[(token, bpe.token_to_id(token)) for token in ("[CLS]", "[SEP]")],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=bpe,
        model_max_length=MAX_LENGTH,
        model_input_names=["input_ids", "attention_mask"],
        **{f"{name.lower()}_token": f"[{name}]" for name in names},
    )


@cache
def _pieces() -> tuple[Piece, ...]:
    """The sample's frequent words, then the ends of words, as pieces of a Unigram model; by Zipf's law, 1 / rank."""
    words = _sample_words()[NUM_UNUSED : NUM_UNUSED + NUM_PIECES]
    characters = [word for word in words if len(word) == 1]
    begins = [f"▁{word}" for word in words if len(word) > 1 and not word.startswith("##")]
    ends = [word.removeprefix("##") for word in words if word.startswith("##")]
    pieces = dict.fromkeys((*begins, *ends, "▁", *characters, *string.ascii_letters, *"äéèïöü"))
    return tuple((piece, -math.log(rank)) for rank, piece in enumerate(pieces, 2))


def _unigram(
    make: Callable[..., Any], first: list[Piece], last: list[Piece], mask: str | AddedToken, _folder: Path
) -> Any:
    return make(vocab=[*first, *_pieces(), *last], mask_token=mask, model_max_length=MAX_LENGTH)


def _special(*tokens: str) -> list[Piece]:
    return [(token, 0.0) for token in tokens]


_XLM_ROBERTA = partial(
    _unigram, XLMRobertaTokenizer, _special("<s>", "<pad>", "</s>", "<unk>"), _special("<mask>"), _mask("<mask>")
)
_CAMEMBERT = partial(
    _unigram,
    CamembertTokenizer,
    [*_special("<s>NOTUSED", "<pad>", "</s>NOTUSED", "<unk>"), ("<unk>NOTUSED", -100.0), *_special("<s>", "</s>")],
    _special("<mask>"),
    _mask("<mask>"),
)
# ALBERT was trained with token types, and transformers 4 sent them; 5 does when the checkpoint says so.
_ALBERT = partial(
    _unigram,
    partial(AlbertTokenizer, model_input_names=["input_ids", "token_type_ids", "attention_mask"]),
    _special("<pad>", "<unk>", "[CLS]", "[SEP]", "[MASK]"),
    [],
    _mask("[MASK]"),
)
_DEBERTA = partial(
    _unigram, DebertaV2Tokenizer, _special("[PAD]", "[CLS]", "[SEP]", "[UNK]"), _special("[MASK]"), "[MASK]"
)
MAKERS: dict[str, Callable[[Path], Any]] = {
    "bert": _bert,
    "roberta": _roberta,
    "xlm-roberta": _XLM_ROBERTA,
    "camembert": _CAMEMBERT,
    "distilbert": _distilbert,
    "electra": _bert,
    "albert": _ALBERT,
    "mpnet": _mpnet,
    "deberta-v2": _DEBERTA,
    "modernbert": _modernbert,
    "nomic-bert": _bert,
}
