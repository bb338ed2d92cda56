"""Late interaction: PyLate's settings of queries and documents, with its words as the tokenizer's ids."""

import string
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from handler.vectors.late import DOCUMENT, QUERY, Late
from handler.vectors.settings import Vectors

from ...checkpoint_files import CONFIG, TOKENIZER, TOKENIZER_CONFIG, load_json
from ...errors import Refused
from ...layouts.sentence import MODEL_FILE, Module, transformer_file, transformer_folder
from .behind_pooling import SETTINGS, weighted_modules
from .settings import ANY_VALUE, check_settings
from .transformer import EMBEDS, check_transformer, max_sequence_length

# PyLate's own, where the file does not say (1.6, models/colbert.py).
QUERY_TOKENS, DOCUMENT_TOKENS = 32, 180
QUERY_PREFIX, DOCUMENT_PREFIX = "[Q] ", "[D] "
LEAST_TOKENS = 4  # [CLS], the marker, one of the text, [SEP]
IN_PLACE = {"module_input_name": ANY_VALUE, "module_output_name": ANY_VALUE}  # it is of tokens, whatever stands there
MASK = "MultiVectorMask"
MASKS: dict[str, object] = {"skiplist_words": ANY_VALUE, "skiplist_tasks": ["document"]}
FILLS_QUERIES = {
    **EMBEDS,
    **dict.fromkeys(("query_length", "document_length", "query_expansion"), ANY_VALUE),
}
DENSE = {"Dense": {**SETTINGS["Dense"], **IN_PLACE}}


def makes_late(modules: Sequence[Module]) -> bool:
    """Whether the modules make a vector of each token, and none of the text: as PyLate saves them, or the library."""
    kinds = [module.kind for module in modules]
    own = kinds[1:-2] if is_own_layout(modules) else kinds[1:]
    return kinds[:1] == ["Transformer"] and set(own) == {"Dense"}


def is_own_layout(modules: Sequence[Module]) -> bool:
    """Whether the modules end as those of sentence-transformers' MultiVectorEncoder."""
    return [module.kind for module in modules[-2:]] == [MASK, "Normalize"]


def late_vectors(checkpoint: Path, modules: Sequence[Module], positions: int | None) -> Vectors:
    """How the files say that queries and documents are read; Refused for a marker that the tokenizer does not have.

    `positions`: most tokens that the model takes.
    """
    transformer = transformer_folder(checkpoint, tuple(modules))
    words = _Words(transformer)
    if is_own_layout(modules):
        settings = _own_settings(transformer, checkpoint / modules[-2].path / CONFIG)
        modules = modules[:-2]
    else:
        settings = load_json(checkpoint / MODEL_FILE)
        check_transformer(transformer, EMBEDS)
    dense = weighted_modules(checkpoint, transformer, modules[1:], DENSE)
    expands = settings.get("do_query_expansion") is not False
    late = Late(
        query_tokens=_length(checkpoint, settings, "query_length", QUERY_TOKENS, positions),
        document_tokens=_length(checkpoint, settings, "document_length", DOCUMENT_TOKENS, positions),
        modules=dense,
        query_marker=words.marker(settings, "query_prefix", QUERY_PREFIX),
        document_marker=words.marker(settings, "document_prefix", DOCUMENT_PREFIX),
        filler=words.filler() if expands else None,
        hides_filler=expands and not settings.get("attend_to_expansion_tokens"),
        skipped=words.skipped(settings.get("skiplist_words")),
    )
    width = load_json(checkpoint / dense[-1] / CONFIG)["out_features"]
    return Vectors(late=late, token_width=int(str(width)))


def _own_settings(transformer: Path, mask: Path) -> dict[str, object]:
    """sentence-transformers' settings in PyLate's words; its markers are prompts, which are texts.

    Refused for a way to fill queries, or to leave tokens out, that berth does not serve.
    """
    check_transformer(transformer, FILLS_QUERIES)
    told, left_out = load_json(transformer_file(transformer)), check_settings(mask, MASKS)
    expansion = told.get("query_expansion")
    if isinstance(expansion, dict) and (expansion.get("strategy") != "fixed" or expansion.get("token")):
        raise Refused(
            f"{transformer_file(transformer)} fills queries up by {expansion}; berth serves the strategy 'fixed' with "
            "the mask token: serve this model with sentence-transformers"
        )
    longest = max_sequence_length(transformer) or load_json(transformer / TOKENIZER_CONFIG).get("model_max_length")
    return {
        "query_prefix": "",
        "document_prefix": "",
        "query_length": expansion.get("length") if isinstance(expansion, dict) else told.get("query_length") or longest,
        "document_length": told.get("document_length") or longest,
        "do_query_expansion": isinstance(expansion, dict),
        "attend_to_expansion_tokens": isinstance(expansion, dict) and expansion.get("attend"),
        "skiplist_words": left_out.get("skiplist_words") or [],
    }


def _length(checkpoint: Path, settings: Mapping[str, object], name: str, default: int, positions: int | None) -> int:
    told = settings.get(name) or default
    if type(told) is not int or told < LEAST_TOKENS:
        raise Refused(
            f"{checkpoint} says that {name} is {told!r}; it must be a whole number from {LEAST_TOKENS}: write it as in "
            "training"
        )
    return min(told, positions or told)


def texts_behind_markers(checkpoint: Path, prompts: Mapping[str, str]) -> dict[str, str]:
    """The prompts without PyLate's prefixes, with which some files begin them too: a marker stands there once."""
    settings = load_json(checkpoint / MODEL_FILE)
    prefixes = {name: str(settings.get(f"{name}_prefix") or "") for name in (QUERY, DOCUMENT)}
    return {name: prompt.removeprefix(prefixes.get(name, "")) for name, prompt in prompts.items()}


class _Words:
    """The tokenizer's ids."""

    def __init__(self, transformer: Path) -> None:
        content: Any = load_json(transformer / TOKENIZER)
        vocabulary = content.get("model", {}).get("vocab", {})
        if isinstance(vocabulary, list):  # a Unigram's: pieces with their scores
            vocabulary = {piece: number for number, (piece, _) in enumerate(vocabulary)}
        added = {each["content"]: each["id"] for each in content.get("added_tokens") or ()}
        self._ids: dict[str, int] = {**vocabulary, **added}
        self._transformer, self._config = transformer, load_json(transformer / TOKENIZER_CONFIG)

    def marker(self, settings: Mapping[str, object], name: str, default: str) -> int | None:
        """The token that a prefix is, with its blank or without; None where there is none."""
        prefix = str(default if settings.get(name) is None else settings[name])
        if not prefix:
            return None
        found = [self._ids[each] for each in (prefix, prefix.strip()) if each in self._ids]
        if not found:
            raise Refused(
                f"{self._transformer / TOKENIZER} has no token {prefix!r}, which {MODEL_FILE} names as {name}: save "
                "the model again with PyLate, which adds it to the tokenizer and to the embeddings"
            )
        if not self._begins_texts():
            raise Refused(
                f"{self._transformer / TOKENIZER} puts no token before a text, and {name} of {MODEL_FILE} is a marker "
                "that stands behind such a one: save the tokenizer with its post-processor, which adds [CLS] or <s>"
            )
        return found[0]

    def _begins_texts(self) -> bool:
        """Whether the tokenizer puts a token of its own before each text."""
        from tokenizers import Tokenizer  # noqa: PLC0415 - `berth --help` answers at once

        encoding = Tokenizer.from_file(str(self._transformer / TOKENIZER)).encode("a")
        return encoding.special_tokens_mask[:1] == [1]

    def filler(self) -> int:
        """The mask token, else the one that ends a text; Refused where there is neither."""
        named = (self._config.get(name) for name in ("mask_token", "eos_token"))
        for token in named:
            word = token.get("content") if isinstance(token, dict) else token
            if isinstance(word, str) and word in self._ids:
                return self._ids[word]
        raise Refused(
            f"{self._transformer / TOKENIZER_CONFIG} names no mask_token, with which short queries are filled up: name "
            "it as in training"
        )

    def skipped(self, words: object) -> tuple[int, ...]:
        """What documents leave out, punctuation by default; a word that is no token leaves out nothing."""
        listed = words if isinstance(words, list) else list(string.punctuation)
        return tuple(self._ids[word] for word in listed if word in self._ids)
