"""A tokenizer.json that transformers would not take as it stands is read as it was saved.

transformers 5 makes the cleaning and the special tokens of some classes anew when it loads them, whatever the file
says: a DeBERTa that was trained and saved with transformers 4 reads pairs and accents otherwise then, and a RoBERTa
that lowers its texts keeps their capitals. Where any text is read otherwise, the class that takes the file as it stands
is written into tokenizer_config.json.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ...checkpoint_files import CONFIG, TOKENIZER, TOKENIZER_CONFIG, load_json
from ...errors import Refused
from ...progress import Progress
from ..folders import transformer_of
from .kinds import BYTE_PAIRS, FAIRSEQ, GENERIC, VOCABULARIES, WORD_PIECES, tokenizer_class
from .lines import NUM_LINES, comparison_lines
from .saved import AS_IT_STANDS, load_tokenizer, replace_json

# Those whose files of transformers 4 are read otherwise by 5.23, all of them.
MADE_ANEW = ("AlbertTokenizer", "BigBirdTokenizer", "DebertaTokenizer", "DebertaV2Tokenizer", "RemBertTokenizer")
# The steps that transformers makes for the other classes, in the place of any others that a file has. What it makes for
# XLM-R and CamemBERT differs in control characters alone from these.
STEPS = {
    WORD_PIECES: {"normalizer": "BertNormalizer", "pre_tokenizer": "BertPreTokenizer"},
    BYTE_PAIRS: {"normalizer": ""},
    FAIRSEQ: {"normalizer": "Precompiled", "pre_tokenizer": "Sequence"},
}
NUM_PAIRS = 100
Texts = tuple[str, ...]


def applies(folder: Path) -> bool:
    """Whether the checkpoint's tokenizer.json is of a class that transformers makes anew."""
    root = transformer_of(folder)
    if not (root / TOKENIZER).is_file():
        return False
    named = load_json(root / TOKENIZER_CONFIG).get("tokenizer_class")
    is_generic = str(named).removesuffix("Fast") in GENERIC
    name = tokenizer_class(root, load_json(root / CONFIG))
    return not is_generic and (name in MADE_ANEW or _has_other_steps(root, name))


def _has_other_steps(folder: Path, name: str) -> bool:
    """Whether tokenizer.json has a step of another kind than transformers makes for the class `name`."""
    usual, saved = STEPS.get(VOCABULARIES.get(name, ()), {}), load_json(folder / TOKENIZER)
    steps = {step: value for step in usual if isinstance(value := saved.get(step), dict)}
    return any(value.get("type") != usual[step] for step, value in steps.items())


def convert(folder: Path, progress: Progress) -> str:
    """Name the class that takes tokenizer.json as it stands, and say so; nothing where it is read so anyway."""
    progress.begin("comparing the tokenizer")
    root = transformer_of(folder)
    loaded = load_tokenizer(root)
    num_differing = sum(1 for _ in _differences(root, loaded))
    if not num_differing:
        return ""
    name = type(loaded).__name__
    special = {key: str(token) for key, token in loaded.special_tokens_map.items() if isinstance(token, str)}
    settings = {"tokenizer_class": AS_IT_STANDS, "model_input_names": list(loaded.model_input_names)}
    replace_json(root / TOKENIZER_CONFIG, special | load_json(root / TOKENIZER_CONFIG) | settings)
    for texts in _differences(root, load_tokenizer(root)):
        raise Refused(
            f"{root / TOKENIZER} is read otherwise by transformers than by the tokenizers library, {texts[0]!r} for "
            "one: save the tokenizer again with tokenizer.save_pretrained, with the version that the model was trained "
            "with"
        )
    num_texts = NUM_LINES + NUM_PAIRS
    return (
        f"tokenizer.json is read as it was saved: {name} would read {num_differing:,} texts of {num_texts:,} otherwise"
    )


def _differences(folder: Path, tokenizer: Any) -> Iterator[Texts]:
    """The lines and pairs of which `tokenizer` makes other ids than the tokenizers library with the file itself."""
    from tokenizers import Tokenizer  # noqa: PLC0415 - files alone refuse most of what is refused

    saved = Tokenizer.from_file(str(folder / TOKENIZER))
    saved.no_truncation()
    saved.no_padding()
    lines = comparison_lines(tuple(tokenizer.all_special_tokens))
    for texts in [*((line,) for line in lines), *zip(lines[:NUM_PAIRS], lines[-NUM_PAIRS:], strict=True)]:
        expected: list[int] = saved.encode(*texts).ids  # type: ignore[arg-type] # a text, or a pair
        if tokenizer(*texts, verbose=False)["input_ids"] != expected:
            yield texts
