"""Whether the weights have the sizes that config.json says: from the headers of the files alone.

For the types whose names are known here; transformers says it of all others, once it has loaded them.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ...errors import Refused
from ...safetensors_header import TensorEntry
from .quantized import CURE

Config = Mapping[str, object]
FLOATS = ("F64", "F32", "F16", "BF16")  # safetensors' names of what a weight may be


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What an architecture calls its sizes in config.json, and its weights."""

    width: str = "hidden_size"
    embedding: str = ""
    """What the embeddings' width is called where it may be another than the layers'."""
    layers: str = "num_hidden_layers"
    layer: str = r"\bencoder\.layer\.(\d+)\."
    words: str = "embeddings.word_embeddings.weight"
    positions: str = "embeddings.position_embeddings.weight"


NAMES: Mapping[str, Names] = {
    **dict.fromkeys(("bert", "camembert", "mpnet", "roberta", "xlm-roberta"), Names()),
    "albert": Names(embedding="embedding_size", layer=""),  # its layers share their weights
    "deberta-v2": Names(embedding="embedding_size"),
    "distilbert": Names(width="dim", layers="n_layers", layer=r"\btransformer\.layer\.(\d+)\."),
    "electra": Names(embedding="embedding_size"),
    "modernbert": Names(layer=r"\blayers\.(\d+)\.", words="embeddings.tok_embeddings.weight", positions=""),
    "nomic_bert": Names(layer=r"\blayers\.(\d+)\.", positions=""),
}


def check_sizes(config_file: Path, config: Config, weights: Mapping[str, TensorEntry]) -> None:
    """Refuse weights of whole numbers, matrices of another shape than config.json says, and layers too few or many."""
    _check_types(config_file.parent, weights)
    names = NAMES.get(str(config.get("model_type")))
    if names is None:
        return
    _check_numbers(config_file, config, names)
    for tensor, expected in _expected_shapes(config, names, weights):
        found = weights[tensor].shape
        if expected != found:
            raise Refused(
                f"{config_file.parent}: the shape of {tensor} is {list(found)}, and by config.json it would be "
                f"{list(expected)}: they are not of one model; save both again with model.save_pretrained"
            )
    _check_layers(config_file, config, names, weights)


def _check_types(folder: Path, weights: Mapping[str, TensorEntry]) -> None:
    for name, entry in weights.items():
        if name.endswith(("weight", "bias")) and entry.dtype not in FLOATS:
            raise Refused(
                f"{folder}: the type of {name} is {entry.dtype}, and berth reads {', '.join(FLOATS)}: the weights are "
                f"quantised; {CURE}"
            )


def _check_numbers(config_file: Path, config: Config, names: Names) -> None:
    """Refuse a size that is none: transformers would, seconds later."""
    for name in (names.width, names.layers, "vocab_size", "max_position_embeddings"):
        value = config.get(name, 1)
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise Refused(
                f"{config_file}: {name} is {value!r}, and must be a whole number: write the one that the model was "
                "trained with, or download the checkpoint again"
            )


def _expected_shapes(
    config: Config, names: Names, weights: Mapping[str, TensorEntry]
) -> Iterator[tuple[str, tuple[int, ...]]]:
    """The embeddings' matrices that are there, each with the shape that config.json says, where it says one."""
    width = config.get(names.embedding, config.get(names.width))
    for ending, rows in ((names.words, "vocab_size"), (names.positions, "max_position_embeddings")):
        tensor = next((name for name in weights if ending and name.endswith(ending)), None)
        expected = (config.get(rows), width)
        if tensor and all(isinstance(size, int) for size in expected):
            yield tensor, tuple(size for size in expected if isinstance(size, int))


def _check_layers(config_file: Path, config: Config, names: Names, weights: Mapping[str, TensorEntry]) -> None:
    """Refuse layers that are missing, which would be made up, and layers that config.json does not count."""
    number = config.get(names.layers)
    if not names.layer or not isinstance(number, int):
        return
    found = {int(match[1]) for name in weights if (match := re.search(names.layer, name))}
    if missing := sorted({*range(number)} - found):
        raise Refused(
            f"{config_file} says that there are {number} layers, and the weights have no layer {missing[0]}: download "
            "the checkpoint again, or save it again with model.save_pretrained"
        )
    if len(found) > number:
        raise Refused(
            f"{config_file} says that there are {number} layers, and the weights have {len(found)}: write the number "
            f"of them that the model was trained with as {names.layers}, and take the others out of the weights"
        )
