"""The algorithms that models were trained with, one text at a time: what a converted tokenizer is compared with.

They are Google's WordPiece and GPT-2's byte-level BPE in transformers' own Python, and the library sentencepiece, with
the ids and the cleaning of each family's first tokenizer (transformers 4, models/*/tokenization_*.py). They share with
the converted one the names of special tokens, and nothing else.
"""

import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transformers import AddedToken, PreTrainedTokenizer
from transformers.models.bert.tokenization_bert_legacy import BasicTokenizer, BertTokenizerLegacy
from transformers.models.clvp.tokenization_clvp import ClvpTokenizer

from ...checkpoint_files import TOKENIZER_CONFIG, load_json
from .kinds import ALBERT, BYTE_PAIRS, FAIRSEQ, REMBERT, SPM, VOCABULARIES, WORD_PIECES

ADDED_TOKENS = "added_tokens.json"
SPECIAL_TOKENS = "special_tokens_map.json"
DOUBLE_SEPARATOR = (
    "CamembertTokenizer",
    "LongformerTokenizer",
    "MPNetTokenizer",
    "RobertaTokenizer",
    "XLMRobertaTokenizer",
)
# Their mask takes the space before it (transformers 4: lstrip=True; in 5.23 some have lost it).
MASK_TAKES_SPACE = (*DOUBLE_SEPARATOR, "AlbertTokenizer", "BigBirdTokenizer", "DebertaTokenizer", "RemBertTokenizer")
Settings = Mapping[str, object]
"""tokenizer_config.json."""
Cut = Callable[[str], list[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Algorithm:
    """How a text without special tokens is cut, and the ids of the pieces."""

    ids: Mapping[str, int]
    cut: Cut


class OriginalTokenizer(PreTrainedTokenizer):
    """An algorithm, and transformers' own Python around it: special and added tokens, pairs, token types."""

    def __init__(self, algorithm: Algorithm, added: Mapping[str, int], **settings: Any) -> None:
        self.algorithm = algorithm
        self._ids = {**algorithm.ids, **added}
        super().__init__(**settings)  # type: ignore[no-untyped-call]

    @property
    def vocab_size(self) -> int:
        return len(self._ids)

    def get_vocab(self) -> dict[str, int]:
        return {**self._ids, **self.added_tokens_encoder}

    def _tokenize(self, text: str, **_kwargs: object) -> list[str]:
        return self.algorithm.cut(text)

    def _convert_token_to_id(self, token: str) -> int:
        return self._ids.get(token, self._ids[str(self.unk_token)])

    def _convert_id_to_token(self, index: int) -> str:
        return str(index)


def original_tokenizer(root: Path, name: str, converted: Any) -> OriginalTokenizer:
    """The tokenizer of class `name` in `root`, with the special and added tokens of the `converted` one."""
    settings = load_settings(root)
    algorithm = _ALGORITHMS[VOCABULARIES[name]](root, name, settings)
    added = load_added(root)
    doubled = name in DOUBLE_SEPARATOR
    named = {key: value for key, value in converted._special_tokens_map.items() if value is not None}
    tokenizer = OriginalTokenizer(
        algorithm, added, special_tokens_pattern="cls_double_sep" if doubled else "cls_sep", **named
    )
    known = {*added, *map(str, named.values())}
    tokens = {token.content: token for token in converted.added_tokens_decoder.values() if token.content in known}
    tokenizer.add_tokens([*(tokens | {token.content: token for token in mask_token(root, name)}).values()])
    if doubled:  # RoBERTa and its heirs know one type of tokens
        tokenizer.token_type_ids_pattern = "all_zeros"  # noqa: S105 - a name of transformers
    return tokenizer


def mask_token(root: Path, name: str) -> list[AddedToken]:
    """The mask of a tokenizer of class `name`, where it takes the space before it; empty where the folder says how."""
    settings = load_json(root / SPECIAL_TOKENS) | load_settings(root)
    named = settings.get("mask_token", "<mask>" if name in DOUBLE_SEPARATOR else "[MASK]")
    if name not in MASK_TAKES_SPACE or not isinstance(named, str) or named in load_added(root):
        return []
    return [AddedToken(named, lstrip=True, special=True, normalized=False)]


def load_settings(root: Path) -> dict[str, Any]:
    """tokenizer_config.json; empty when there is none."""
    return load_json(root / TOKENIZER_CONFIG)


def load_added(root: Path) -> dict[str, int]:
    """The ids of the tokens that were added after training, by name, from the two files that may have them."""
    added: dict[str, Any] = load_json(root / ADDED_TOKENS)
    tokens = load_settings(root).get("added_tokens_decoder", {})
    return added | {token["content"]: int(index) for index, token in tokens.items()}


def _word_pieces(root: Path, _name: str, settings: Settings) -> Algorithm:
    known = (
        "do_lower_case",
        "do_basic_tokenize",
        "never_split",
        "strip_accents",
        "tokenize_chinese_chars",
        "unk_token",
    )
    given = {key: settings[key] for key in known if key in settings}
    tokenizer: Any = BertTokenizerLegacy(str(root / WORD_PIECES[0]), **given)  # type: ignore[no-untyped-call]
    return Algorithm(ids=tokenizer.vocab, cut=tokenizer._tokenize)


def _byte_pairs(root: Path, _name: str, settings: Settings) -> Algorithm:
    vocabulary, merges = (str(root / file) for file in BYTE_PAIRS)
    tokenizer: Any = ClvpTokenizer(vocabulary, merges)  # type: ignore[no-untyped-call]
    tokenizer._normalizer = str  # CLVP spells numbers out; all else of it is GPT-2's
    begins_with_space = bool(settings.get("add_prefix_space", False))

    def cut(text: str) -> list[str]:
        wants_space = begins_with_space and not text[:1].isspace()
        return list(tokenizer._tokenize(f" {text}" if wants_space else text))

    return Algorithm(ids=tokenizer.encoder, cut=cut)


def _pieces(path: Path) -> Any:
    """A sentencepiece model, by the library of that name."""
    from sentencepiece import SentencePieceProcessor  # noqa: PLC0415 - not everybody has it

    return SentencePieceProcessor(str(path))


def _fairseq(root: Path, name: str, _settings: Settings) -> Algorithm:
    """fairseq has special tokens of its own before the pieces, and the mask behind them."""
    model = _pieces(root / FAIRSEQ[0])
    pieces = [model.id_to_piece(index) for index in range(len(model))]
    if name == "CamembertTokenizer":
        words = ["<s>NOTUSED", "<pad>", "</s>NOTUSED", "<unk>", "<unk>NOTUSED", *pieces[1:], "<mask>"]
    else:
        words = ["<s>", "<pad>", "</s>", "<unk>", *pieces[3:], "<mask>"]
    return Algorithm(ids={word: index for index, word in enumerate(words)}, cut=model.encode_as_pieces)


def _plain(model: Any, clean: Callable[[str], str] = str) -> Algorithm:
    ids = {model.id_to_piece(index): index for index in range(len(model))}
    return Algorithm(ids=ids, cut=lambda text: list(model.encode_as_pieces(clean(text))))


def _albert(root: Path, name: str, settings: Settings) -> Algorithm:
    model = _pieces(root / ALBERT[0])
    if name == "BigBirdTokenizer":
        return _plain(model)
    plain = _plain(model, lambda text: clean_like_albert(text, settings))
    return Algorithm(ids=plain.ids, cut=lambda text: list(_part_commas(model, plain.cut(text))))


def clean_like_albert(text: str, settings: Settings) -> str:
    """Google's ALBERT, tokenization.py, preprocess_text: spaces, quotes, accents, case."""
    text = " ".join(text.split()).replace("``", '"').replace("''", '"')
    if not settings.get("keep_accents", False):
        text = "".join(char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char))
    return text.lower() if settings.get("do_lower_case", True) else text


def _part_commas(model: Any, pieces: list[str]) -> list[str]:
    """Google's ALBERT, tokenization.py, encode_pieces: the comma behind a number is a piece of its own."""
    parted: list[str] = []
    for piece in pieces:
        if len(piece) < 2 or piece[-1] != "," or not piece[-2].isdigit():
            parted.append(piece)
            continue
        first, *rest = model.encode_as_pieces(piece[:-1].replace("▁", ""))
        if not piece.startswith("▁"):
            first = first.removeprefix("▁")
        parted += [*([first] if first else []), *rest, ","]
    return parted


def _rembert(root: Path, _name: str, _settings: Settings) -> Algorithm:
    return _plain(_pieces(root / REMBERT[0]))


def _spm(root: Path, _name: str, settings: Settings) -> Algorithm:
    """Microsoft's DeBERTa, deberta/spm_tokenizer.py: each word by itself where punctuation parts words."""
    lowers, parts = bool(settings.get("do_lower_case", False)), bool(settings.get("split_by_punct", False))
    plain = _plain(_pieces(root / SPM[0]), str.lower if lowers else str)
    if not parts:
        return plain
    part: Callable[[str], list[str]] = BasicTokenizer()._run_split_on_punc  # type: ignore[no-untyped-call]
    return Algorithm(ids=plain.ids, cut=lambda text: [piece for word in part(text) for piece in plain.cut(word)])


_ALGORITHMS: Mapping[tuple[str, ...], Callable[[Path, str, Settings], Algorithm]] = {
    WORD_PIECES: _word_pieces,
    BYTE_PAIRS: _byte_pairs,
    FAIRSEQ: _fairseq,
    ALBERT: _albert,
    SPM: _spm,
    REMBERT: _rembert,
}
