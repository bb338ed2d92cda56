"""do_lower_case of sentence-transformers, for a tokenizer that keeps capitals: it gets the Lowercase normalizer.

sentence-transformers puts it first when it loads the model (Transformer.__init__). In the files it would be lost:
transformers 5 makes the normalizer of its own classes anew (TokenizersBackend.convert_to_native_format), so that the
converted tokenizer is of the class that takes tokenizer.json as it stands.
"""

import tempfile
from pathlib import Path
from typing import Any

from ..checkpoint_files import TOKENIZER, TOKENIZER_CONFIG, load_json
from ..layouts.sentence import load_modules, transformer_file, transformer_folder
from ..progress import Progress
from .tokenizer.saved import AS_IT_STANDS, load_tokenizer, replace_json

SETTING = "do_lower_case"
LOWERCASE = {"type": "Lowercase"}


def lowers_by_itself(transformer: Path) -> bool:
    """Whether the files say that every text is lowered, as bge's do: another Lowercase before it changes nothing."""
    normalizer = load_json(transformer / TOKENIZER).get("normalizer")
    match normalizer:
        case {"type": "BertNormalizer", "lowercase": True}:
            return load_json(transformer / TOKENIZER_CONFIG).get(SETTING, True) is True
        case _:
            return False


def applies(folder: Path) -> bool:
    """Whether sentence-transformers would put Lowercase into the tokenizer, and that would change a text."""
    modules = load_modules(folder)
    transformer = transformer_folder(folder, modules)
    wanted = bool(modules) and bool(load_json(transformer_file(transformer)).get(SETTING))
    return wanted and (transformer / TOKENIZER).is_file() and not lowers_by_itself(transformer)


def convert(folder: Path, _progress: Progress) -> str:
    """Put Lowercase into tokenizer.json; returns the sentence that says so. Refused where transformers cannot."""
    transformer = transformer_folder(folder, load_modules(folder))
    settings = transformer_file(transformer)
    loaded = load_tokenizer(transformer)
    with tempfile.TemporaryDirectory() as saved:
        loaded.save_pretrained(saved)
        tokenizer, config = (load_json(Path(saved, name)) for name in (TOKENIZER, TOKENIZER_CONFIG))
    as_it_stands = {"tokenizer_class": AS_IT_STANDS, "model_input_names": list(loaded.model_input_names)}
    replace_json(transformer / TOKENIZER, tokenizer | {"normalizer": lowered(tokenizer["normalizer"])})
    replace_json(transformer / TOKENIZER_CONFIG, config | as_it_stands)
    replace_json(settings, load_json(settings) | {SETTING: False})
    return f"{settings.name} sets {SETTING}: the tokenizer lowers every text now"


def lowered(normalizer: Any) -> Any:
    """A normalizer's JSON with Lowercase first, unless it or a part of it is one (as sentence-transformers has it)."""
    match normalizer:
        case {"type": "Sequence", "normalizers": list(parts)}:
            has_one = any(part["type"] == "Lowercase" for part in parts)
            return normalizer if has_one else {"type": "Sequence", "normalizers": [LOWERCASE, *parts]}
        case {"type": "Lowercase"}:
            return normalizer
        case _:
            return {"type": "Sequence", "normalizers": [LOWERCASE, *([normalizer] if normalizer else [])]}
