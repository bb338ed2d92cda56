"""What a checkpoint's files say before anything is loaded: whether tokenizer and labels are there and fit the weights.

The known answers cannot show a wrong tokenizer, because transformers and the handler ask it the same way. Neither torch
nor transformers is imported: only JSON, the headers of the weights and the model card are read.
"""

from collections.abc import Mapping
from pathlib import Path

from handler.config import Task

from ...checkpoint_files import CONFIG, load_json
from ...errors import Refused
from ..checkpoint import Checkpoint
from ..load_checkpoint import labels_of
from .damaged import read_weights
from .tokenizer_files import Shapes, check_tokenizer

HEADS = ("classifier.weight", "classifier.out_proj.weight")
LABELLED = (Task.TEXT_CLASSIFICATION, Task.TOKEN_CLASSIFICATION, Task.TEXT_RANKING, Task.ZERO_SHOT_CLASSIFICATION)


def check_files(checkpoint: Checkpoint) -> None:
    """Refuse a tokenizer that is missing, damaged or too large for the weights, and labels that do not fit the head."""
    config, shapes = load_json(checkpoint.root / CONFIG), _shapes(checkpoint)
    check_tokenizer(checkpoint, config, shapes)
    if checkpoint.task in LABELLED:
        _check_labels(checkpoint.root / CONFIG, config, shapes)


def _shapes(checkpoint: Checkpoint) -> Shapes:
    """The shape of every tensor of the transformer, by name."""
    shapes: dict[str, tuple[int, ...]] = {}
    for name in checkpoint.files:
        if name.endswith(".safetensors") and "/" not in name:  # the others are Dense modules
            entries = read_weights(checkpoint.root / name)
            shapes |= {tensor: entry.shape for tensor, entry in entries.items()}
    return shapes


def _check_labels(config_file: Path, config: Mapping[str, object], shapes: Shapes) -> None:
    """Refuse labels that are more or fewer than the head's outputs, or not numbered from 0."""
    labels, names = labels_of(config), config.get("id2label")
    outputs = next((shapes[name][0] for name in HEADS if name in shapes), len(labels))
    if outputs != len(labels):
        raise Refused(
            f"{config_file} has {len(labels)} labels and the model's head has {outputs} outputs: write one name for "
            "each output into id2label and label2id, in the order of training"
        )
    if isinstance(names, dict) and set(names) != {str(number) for number in range(outputs)}:
        raise Refused(
            f"{config_file} numbers its labels {', '.join(list(names)[:10])}: id2label must number them from 0 to "
            f"{outputs - 1}, as the head's outputs are"
        )
