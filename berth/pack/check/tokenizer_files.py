"""What a checkpoint's files say of its tokenizer before anything is loaded: whether it is there and fits the weights.

The known answers cannot show a wrong tokenizer, because transformers and the handler ask it the same way. Neither torch
nor transformers is imported.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

from ...checkpoint_files import CONFIG, HUB_ID, TOKENIZER, check_whole, is_inside, load_json
from ...convert.tokenizer.kinds import (
    BYTE_PAIRS,
    EVERY_VOCABULARY,
    VOCABULARIES,
    WORD_PIECES,
    check_servable,
    tokenizer_class,
    with_article,
)
from ...errors import Refused
from ..checkpoint import Checkpoint

MODEL_CARD = "README.md"
EMBEDDINGS = ("embeddings.word_embeddings.weight", "embeddings.tok_embeddings.weight", "embed_tokens.weight")
# Matrices are padded to multiples of 8 to 1,000, by 0.4 % in mDeBERTa (251,000 rows); half is no padding.
LEAST_USED_RATIO = 0.5
RESIZE = "where they were added, call model.resize_token_embeddings(len(tokenizer)), train, and save both again"
Shapes = Mapping[str, tuple[int, ...]]
Tokens = dict[int, str]
"""The tokens by id; an id without one is absent."""


def check_tokenizer(checkpoint: Checkpoint, config: Mapping[str, object], shapes: Shapes) -> None:
    """Refuse a tokenizer that is missing, damaged or not of these weights, whose `shapes` are by tensor."""
    check_servable(checkpoint.root, config)
    if TOKENIZER not in checkpoint.files:
        raise _missing(checkpoint, config)
    vocabulary = _vocabulary(checkpoint.root / TOKENIZER)
    _check_size(checkpoint.root / TOKENIZER, max(vocabulary, default=-1) + 1, config, shapes)
    made_from = VOCABULARIES.get(tokenizer_class(checkpoint.root, config), ())
    for name, read in READERS.items():
        if name in made_from and name in checkpoint.files:
            check_whole(checkpoint.root / name)
            _check_agreement(checkpoint.root, name, vocabulary, read(checkpoint.root / name))


def _check_size(path: Path, num_tokens: int, config: Mapping[str, object], shapes: Shapes) -> None:
    """Refuse a tokenizer.json with ids that have no row in the embedding matrix, and one that leaves half unused."""
    rows = [shape[0] for name, shape in shapes.items() if name.endswith(EMBEDDINGS)]
    vocab_size = config.get("vocab_size")
    known = f"the embedding matrix has {min(rows)} rows" if rows else f"{CONFIG} says that vocab_size is {vocab_size}"
    limit = min(rows) if rows else vocab_size
    if not isinstance(limit, int):
        return
    if num_tokens > limit:
        raise Refused(
            f"{path} has {num_tokens} tokens and {known}: a text with one of the others would fail its batch; {RESIZE}"
        )
    if num_tokens < limit * LEAST_USED_RATIO:
        raise Refused(
            f"{path} has {num_tokens} tokens and {known}, so it seems to be another model's: save the tokenizer that "
            "the model was trained with; where this is the one, call model.resize_token_embeddings(len(tokenizer)), "
            "which leaves out the rows that no text reaches, and save both again"
        )


def _vocabulary(path: Path) -> Tokens:
    """The tokens of a tokenizer.json, the added ones too; Refused when the file has no vocabulary."""
    content = load_json(path)
    model, added = content.get("model"), content.get("added_tokens") or []
    vocabulary = model.get("vocab") if isinstance(model, dict) else None
    if not isinstance(vocabulary, dict | list) or not isinstance(added, list):
        raise Refused(
            f"{path} has no vocabulary, so it is not a tokenizer of the tokenizers library: save the tokenizer again "
            "with tokenizer.save_pretrained"
        )
    if isinstance(vocabulary, list):  # a Unigram's: pieces with their scores
        vocabulary = {str(piece): number for number, piece in enumerate(vocabulary)}
    named = {str(token.get("content")): token.get("id") for token in added if isinstance(token, dict)}
    return _by_number(vocabulary) | _by_number(named)


def _by_number(vocabulary: Mapping[str, object]) -> Tokens:
    return {number: token for token, number in vocabulary.items() if isinstance(number, int)}


def _read_words(path: Path) -> Tokens:
    """The tokens of a vocab.txt, as transformers reads it: a line each, whatever else a token may hold."""
    return dict(enumerate(path.read_text("utf-8", "replace").removesuffix("\n").split("\n")))


def _read_ids(path: Path) -> Tokens:
    """The tokens of a vocab.json."""
    return _by_number(load_json(path))


READERS: Mapping[str, Callable[[Path], Tokens]] = {WORD_PIECES[0]: _read_words, BYTE_PAIRS[0]: _read_ids}


def _check_agreement(root: Path, name: str, vocabulary: Tokens, other: Tokens) -> None:
    """Refuse two vocabularies that give one id to different tokens: no file tells which of them was trained with."""
    for number in sorted(vocabulary.keys() & other.keys()):
        token, another = vocabulary[number], other[number]
        if token.strip() != another.strip():
            raise Refused(
                f"{root / TOKENIZER} and {name} beside it are of two tokenizers: number {number} is {token!r} in the "
                f"one and {another!r} in the other; delete the one that the model was not trained with"
            )


def _missing(checkpoint: Checkpoint, config: Mapping[str, object]) -> Refused:
    """The refusal of a checkpoint without a tokenizer.json, which also was not made: transformers would make one up."""
    root, name = checkpoint.root, tokenizer_class(checkpoint.root, config)
    needed = VOCABULARIES.get(name, ())
    present = [file for file in EVERY_VOCABULARY if file in checkpoint.files]
    if present and not needed:
        return Refused(
            f"{root} has no {TOKENIZER}, and berth cannot compare one that is made from {present[0]} for "
            f"{with_article(name or 'tokenizer of its type')}: make it with these lines, and look whether it reads "
            f"texts rightly:\n"
            f"    import transformers\n    path = {str(root)!r}\n"
            "    transformers.AutoTokenizer.from_pretrained(path).save_pretrained(path)"
        )
    missing = [file for file in needed if file not in checkpoint.files]
    return Refused(
        f"{root} has no tokenizer: {_wanted(needed, missing)}, and without it transformers makes up one that knows no "
        f"word; {_cure(root, config)}"
    )


def _wanted(needed: tuple[str, ...], missing: list[str]) -> str:
    """Say which files are missing."""
    present = [file for file in needed if file not in missing]
    others = f", or {' and '.join(missing)}" if missing else ""
    beside = f" beside {' and '.join(present)}" if present else ""
    return f"it needs {TOKENIZER}{others}{beside}"


def _cure(root: Path, config: Mapping[str, object]) -> str:
    """Say where the tokenizer can be got; with lines of python when a base model is named."""
    if base := _base_model(root, config):
        return (
            f"if the model was trained from {base} and no tokens were added, its tokenizer is saved with these lines:\n"
            "    import transformers\n"
            f"    transformers.AutoTokenizer.from_pretrained({base!r}).save_pretrained({str(root)!r})"
        )
    return f"save the tokenizer that it was trained with: tokenizer.save_pretrained({str(root)!r})"


def _base_model(root: Path, config: Mapping[str, object]) -> str | None:
    """The Hub's name of the model that this one was trained from, as the model card or config.json has it."""
    for name in (_card(root).get("base_model"), config.get("_name_or_path")):
        first = name[0] if isinstance(name, list) and name else name
        if isinstance(first, str) and HUB_ID.fullmatch(first) and not first.startswith("."):
            return first
    return None


def _card(root: Path) -> dict[str, object]:
    """The front matter of the model card; empty when it has none that can be read."""
    import yaml  # noqa: PLC0415 - `berth --help` answers at once

    path = root / MODEL_CARD
    if not path.is_file() or not is_inside(root, path):
        return {}
    before, _, rest = path.read_text("utf-8", "replace").partition("---\n")
    try:
        values = yaml.safe_load(rest.partition("\n---")[0]) if not before.strip() else None
    except yaml.YAMLError:
        return {}
    return values if isinstance(values, dict) else {}
