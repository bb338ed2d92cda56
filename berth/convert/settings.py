"""config.json whose values are of another kind than transformers 5 takes, but say the same: `"1e-12"` is 1e-12.

transformers 4 took them, so they are found in checkpoints of any age. What says something else, or nothing, stays as it
is, and is refused when it is read.
"""

import json
from collections.abc import Iterator
from pathlib import Path

from ..checkpoint_files import CONFIG, load_json
from ..progress import Progress
from .folders import transformer_of

# The kinds of BERT's and its kin's settings (transformers 5.23); a test holds them against its classes.
WHOLE = frozenset(
    {
        "bos_token_id",
        "cls_token_id",
        "dim",
        "embedding_size",
        "eos_token_id",
        "hidden_dim",
        "hidden_size",
        "inner_group_num",
        "intermediate_size",
        "local_attention",
        "max_position_embeddings",
        "n_heads",
        "n_layers",
        "num_attention_heads",
        "num_hidden_groups",
        "num_hidden_layers",
        "num_labels",
        "pad_token_id",
        "position_buckets",
        "relative_attention_num_buckets",
        "sep_token_id",
        "type_vocab_size",
        "vocab_size",
    }
)
FRACTIONS = frozenset({"initializer_range", "layer_norm_eps", "norm_eps"})
DROPOUTS = frozenset(
    {
        "attention_dropout",
        "attention_probs_dropout_prob",
        "classifier_dropout",
        "dropout",
        "hidden_dropout_prob",
        "qa_dropout",
        "seq_classif_dropout",
    }
)
FLAGS = frozenset({"is_decoder", "is_encoder_decoder", "relative_attention", "tie_word_embeddings", "use_cache"})
TRUTHS = {"true": True, "false": False, "1": True, "0": False}


def applies(folder: Path) -> bool:
    """Whether a config.json has such a value."""
    return any(_mended(load_json(path)) for path in _configs(folder))


def convert(folder: Path, _progress: Progress) -> str:
    """Write the values in their own kind."""
    names: list[str] = []
    for path in _configs(folder):
        config = load_json(path)
        mended = _mended(config)
        names += mended
        path.unlink()  # the file may be a link to the user's own
        path.write_text(json.dumps(config | mended, ensure_ascii=False, indent=2) + "\n", "utf-8")
    return f"{CONFIG} spells {', '.join(names)} in another kind than transformers takes; the archive has its own"


def _configs(folder: Path) -> Iterator[Path]:
    yield from (path for path in {folder / CONFIG, transformer_of(folder) / CONFIG} if path.is_file())


def _mended(config: dict[str, object]) -> dict[str, object]:
    """The settings that say the same in another kind, as they should be."""
    mended = {name: _in_its_kind(name, value) for name, value in config.items()}
    return {name: value for name, value in mended.items() if type(value) is not type(config[name])}


def _in_its_kind(name: str, value: object) -> object:
    if name == "id2label" and isinstance(value, list):
        return {str(number): label for number, label in enumerate(value)}
    if name in WHOLE:
        return _whole(value)
    if name in FRACTIONS or (name in DROPOUTS and isinstance(value, str)):  # a dropout of 0 is taken
        return _fraction(value)
    return TRUTHS.get(str(value).lower(), value) if name in FLAGS and isinstance(value, str | int) else value


def _whole(value: object) -> object:
    """A whole number, however it is spelled; what is none stays."""
    number = _fraction(value) if isinstance(value, str) else value
    return int(number) if isinstance(number, float) and number.is_integer() else value


def _fraction(value: object) -> object:
    """A number with a point, however it is spelled; what is none stays."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return value
    try:
        return float(value)
    except ValueError:
        return value
