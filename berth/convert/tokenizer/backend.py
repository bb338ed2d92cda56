"""A folder's vocabulary -> a tokenizer of the tokenizers library, by transformers; mended where it reads otherwise.

What transformers 5.23 makes of a sentencepiece model has the right pieces and ids, but cleans texts otherwise than
sentencepiece does: DeBERTa-v2's composes accents (NFC) in the place of the model's own NFKC, BigBird's has no cleaning,
RemBERT's forgets [CLS] and [SEP]. DeBERTa's pairs have a separator too many. So these get the original's steps.
"""

import json
import sys
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import transformers
from tokenizers import Regex, Tokenizer, normalizers, pre_tokenizers, processors

from .kinds import BYTE_PAIRS, VOCABULARIES, WORD_PIECES
from .original import DOUBLE_SEPARATOR, load_added, load_settings, mask_token

KEPT = ("model_max_length", "padding_side", "truncation_side")
SPACE = "▁"
LAST_SPACE = 0x10000  # no space lies above
UNWANTED = 100.0  # transformers 4, AlbertConverter: a number with its comma is never the best piece
# What the first tokenizer of a class sent with the ids (transformers 4, model_input_names).
WITHOUT_TYPES = (
    "BigBirdTokenizer",
    "CamembertTokenizer",
    "DistilBertTokenizer",
    "LongformerTokenizer",
    "MPNetTokenizer",
    "RobertaTokenizer",
    "XLMRobertaTokenizer",
)


def make_tokenizer(root: Path, name: str) -> Any:
    """transformers' fast tokenizer of class `name` for the vocabulary in `root`, and what it is made to send."""
    given = dict(zip(["mask_token"], mask_token(root, name), strict=False))
    tokenizer = getattr(transformers, name).from_pretrained(root, local_files_only=True, **given)
    if VOCABULARIES[name] in {WORD_PIECES, BYTE_PAIRS} and name != "DebertaTokenizer":
        return tokenizer
    if VOCABULARIES[name] == BYTE_PAIRS:
        backend = tokenizer.backend_tokenizer
    else:
        backend = _like_sentencepiece(root, name, tokenizer)
    backend.post_processor = _frame(tokenizer, name)
    return _wrapped(root, name, tokenizer, backend)


def _input_names(root: Path, name: str) -> list[str]:
    types = [] if name in WITHOUT_TYPES else ["token_type_ids"]
    return list(load_settings(root).get("model_input_names", ["input_ids", *types, "attention_mask"]))


def _wrapped(root: Path, name: str, tokenizer: Any, backend: Tokenizer) -> Any:
    """`backend` under the class that takes a tokenizer.json as it is: transformers' own would make it anew."""
    special = {key: value for key, value in tokenizer._special_tokens_map.items() if value is not None}
    kept = {key: tokenizer.init_kwargs[key] for key in KEPT if key in tokenizer.init_kwargs}
    names = _input_names(root, name)
    make: Any = transformers.PreTrainedTokenizerFast
    return make(tokenizer_object=backend, model_input_names=names, **special, **kept)


def _frame(tokenizer: Any, name: str) -> Any:
    """The special tokens around a text and a pair."""
    first, last = tokenizer.cls_token, tokenizer.sep_token
    doubled = name in DOUBLE_SEPARATOR
    return processors.TemplateProcessing(
        single=f"{first} $A {last}",
        pair=f"{first} $A {last} {last} $B {last}" if doubled else f"{first} $A {last} $B:1 {last}:1",
        special_tokens=[(first, tokenizer.cls_token_id), (last, tokenizer.sep_token_id)],
    )


def _like_sentencepiece(root: Path, name: str, tokenizer: Any) -> Tokenizer:
    """transformers' pieces and ids, cleaned and cut as sentencepiece does it."""
    from sentencepiece import SentencePieceProcessor  # noqa: PLC0415 - not everybody has it

    model = SentencePieceProcessor(str(root / VOCABULARIES[name][0]))
    settings = load_settings(root)
    backend = Tokenizer.from_str(json.dumps(_description(root, name, tokenizer, model)))
    steps = [*_cleaning(name, settings), *_normalization(model), *_spaces()]
    backend.normalizer = normalizers.Sequence(steps)
    words: list[Any] = [pre_tokenizers.Punctuation("isolated")] if settings.get("split_by_punct") else []
    words.append(pre_tokenizers.Metaspace(replacement=SPACE, prepend_scheme="always"))
    backend.pre_tokenizer = pre_tokenizers.Sequence(words)
    return backend


def _description(root: Path, name: str, tokenizer: Any, model: Any) -> dict[str, Any]:
    """The tokenizer.json, without the model's own symbols, which transformers takes for special tokens."""
    described: dict[str, Any] = json.loads(tokenizer.backend_tokenizer.to_str())
    wanted = {*tokenizer.all_special_tokens, *load_added(root)} - _symbols(model)
    wanted |= {str(token) for token in tokenizer._special_tokens_map.values() if token is not None}
    kept = [token for token in described["added_tokens"] if token["content"] in wanted]
    masks = {token.content for token in mask_token(root, name)}
    described["added_tokens"] = [  # found before texts are cleaned
        token | {"normalized": False, "lstrip": token["lstrip"] or token["content"] in masks} for token in kept
    ]
    if name == "AlbertTokenizer":
        pieces = described["model"]["vocab"]
        described["model"]["vocab"] = [[piece, score - UNWANTED * _is_number(piece)] for piece, score in pieces]
    return described


def _symbols(model: Any) -> set[str]:
    """The model's control and user-defined symbols: no text can hold the first, and the second are its best pieces."""
    proto = _proto(model)
    kinds = {proto.SentencePiece.CONTROL, proto.SentencePiece.USER_DEFINED}
    return {piece.piece for piece in proto.pieces if piece.type in kinds}


def _is_number(piece: str) -> bool:
    return len(piece) > 1 and piece[-1] == "," and piece[-2].isdigit()


def _cleaning(name: str, settings: Any) -> Iterable[Any]:
    """What the first tokenizer of a family did to a text before it gave it to sentencepiece."""
    if name == "AlbertTokenizer":
        yield normalizers.Replace(Regex(_characters(chr(code) for code in _unicode() if chr(code).isspace())), " ")
        yield normalizers.Replace("``", '"')
        yield normalizers.Replace("''", '"')
        if not settings.get("keep_accents", False):
            yield normalizers.NFKD()
            marks = (chr(code) for code in _unicode() if unicodedata.combining(chr(code)))
            yield normalizers.Replace(Regex(_characters(marks)), "")
            yield normalizers.NFC()  # Hangul again, as sentencepiece would
        if settings.get("do_lower_case", True):
            yield from _lower()
    elif name == "DebertaV2Tokenizer" and settings.get("do_lower_case", False):
        yield from _lower()


def _lower() -> Iterable[Any]:
    """As Python does it; tokenizers lowers letter by letter, and a sigma that ends a word has a form of its own."""
    yield normalizers.Replace(Regex(r"(?<=\p{L})Σ(?!\p{L})"), "ς")
    yield normalizers.Lowercase()


def _unicode() -> range:
    return range(sys.maxunicode + 1)


def _normalization(model: Any) -> Iterable[Any]:
    """The model's own table; first, what it makes a space: tokenizers' Precompiled would drop a mark behind it."""
    parted = model.normalize("a b")
    characters = (char for char in map(chr, range(LAST_SPACE)) if not "\ud800" <= char <= "\udfff")
    spaces = [char for char in characters if model.normalize(f"a{char}b") == parted]
    yield normalizers.Replace(Regex(_characters(spaces)), " ")
    if table := _proto(model).normalizer_spec.precompiled_charsmap:
        yield normalizers.Precompiled(table)


def _proto(model: Any) -> Any:
    from sentencepiece import sentencepiece_model_pb2 as messages  # noqa: PLC0415

    return messages.ModelProto.FromString(model.serialized_model_proto())


def _spaces() -> Iterable[Any]:
    """One space between words and none around them; Strip would take what sentencepiece keeps, such as U+0085."""
    yield normalizers.Replace(Regex(" {2,}"), " ")
    yield normalizers.Replace(Regex("^ | $"), "")


def _characters(characters: Iterable[str]) -> str:
    """A regular expression for any of the characters."""
    return "[" + "".join(f"\\x{{{ord(char):x}}}" for char in characters) + "]"
