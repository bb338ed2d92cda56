"""Whether a converted tokenizer gives the ids that the original one gives, on 1,000 lines and 100 pairs of them."""

import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ...errors import Refused
from .kinds import BYTE_PAIRS, VOCABULARIES, WORD_PIECES
from .lines import comparison_lines
from .original import OriginalTokenizer, load_settings

NUM_PAIRS = 100
IDS_BEFORE, IDS_AFTER = 2, 6
Ids = list[int]
Texts = tuple[str, ...]


def check_same_ids(root: Path, name: str, converted: Any, original: OriginalTokenizer) -> None:
    """Refuse a `converted` tokenizer, of class `name` in `root`, with the first text that it reads otherwise."""
    for texts, found, expected in _differences(root, name, converted, original):
        file = root / VOCABULARIES[name][0]
        raise Refused(
            f"{file} was not converted rightly, and the model would read texts otherwise than in training: of "
            f"{_shown(texts)} the tokenizer.json makes {_around(found, expected)} and {name} "
            f"{_around(expected, found)}; save the tokenizer that it was trained with by save_pretrained, so that "
            "there is a tokenizer.json"
        )


def _differences(
    root: Path, name: str, converted: Any, original: OriginalTokenizer
) -> Iterator[tuple[Texts, Ids, Ids]]:
    """Texts, the ids that they get, and those that they should get; of a pair its types of tokens too."""
    for token, index in original.get_vocab().items():
        if (found := converted.convert_tokens_to_ids(token)) != index:
            yield (token,), [found], [index]
    lines = [_comparable(line, root, name) for line in comparison_lines(tuple(original.added_tokens_encoder))]
    pairs = list(zip(lines[:NUM_PAIRS], lines[-NUM_PAIRS:], strict=True))
    with_types = "token_type_ids" in converted.model_input_names
    for texts in [*((line,) for line in lines), *pairs]:
        found, expected = (_ids(tokenizer, texts, with_types=with_types) for tokenizer in (converted, original))
        if found != expected:
            yield texts, found, expected


def _ids(tokenizer: Any, texts: Texts, *, with_types: bool) -> Ids:
    """The ids, and the types behind them when the model is given them."""
    encoded = tokenizer(*texts, return_token_type_ids=True, verbose=False)
    return [*encoded["input_ids"], *(encoded["token_type_ids"] if with_types else [])]


def _comparable(line: str, root: Path, name: str) -> str:
    """The line without what every published tokenizer.json reads otherwise than the first tokenizer of its family.

    WordPiece: transformers' Python composes accents (Google's does not), and lowers a sigma by its place in the word.
    Byte-level BPE with add_prefix_space: the space before a text that begins with a line's end.
    """
    if VOCABULARIES[name] == WORD_PIECES:
        return unicodedata.normalize("NFC", line).replace("Σ", "σ")  # noqa: RUF001
    if VOCABULARIES[name] == BYTE_PAIRS and load_settings(root).get("add_prefix_space"):
        return line.lstrip()
    return line


def _shown(texts: Texts) -> str:
    return " with ".join(ascii(text if len(text) <= 60 else f"{text[:60]}…") for text in texts)


def _around(ids: Ids, others: Ids) -> str:
    """A few ids around the first that differs."""
    place = next((i for i, (a, b) in enumerate(zip(ids, others, strict=False)) if a != b), min(len(ids), len(others)))
    first, last = max(place - IDS_BEFORE, 0), place + IDS_AFTER
    shown = [*(["…"] if first else []), *map(str, ids[first:last]), *(["…"] if last < len(ids) else [])]
    return f"[{', '.join(shown)}]"
