"""Whether a classifier's labels name each output of its head, once each, from JSON and the headers of the weights.

A label may be a text, a number or a truth value, which transformers takes too: an answer has it as a text.
"""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from handler.config import Task

from ...checkpoint_files import CONFIG
from ...errors import Refused
from ..checkpoint import Checkpoint
from ..load_checkpoint import labels_of

HEADS = ("classifier.weight", "classifier.out_proj.weight")
LABELLED = (Task.TEXT_CLASSIFICATION, Task.TOKEN_CLASSIFICATION, Task.TEXT_RANKING, Task.ZERO_SHOT_CLASSIFICATION)
WRITE = "write one name for each output into id2label and label2id, in the order of training"
Config = Mapping[str, object]


def check_labels(checkpoint: Checkpoint, config: Config, shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Refuse labels that transformers cannot read, and of a classifier those that do not fit its head."""
    config_file = checkpoint.root / CONFIG
    _check_map(config_file, config)
    has_head = checkpoint.vectors is None and checkpoint.candidates is None  # late interaction and GLiClass have none
    if checkpoint.task in LABELLED and has_head:
        _check_num_labels(config_file, config)
        labels = labels_of(config)
        outputs = next((shapes[name][0] for name in HEADS if name in shapes), len(labels))
        _check_count(config_file, labels, outputs)
        _check_numbers(config_file, config, outputs)
        _check_names(config_file, config, labels)


def _check_map(config_file: Path, config: Config) -> None:
    """Refuse an id2label that is none."""
    names = config.get("id2label")
    if not isinstance(names, dict | None):
        raise Refused(f"{config_file}: id2label is {names!r}, and must map numbers to names: {WRITE}")
    if words := [key for key in names or () if not key.lstrip("-").isdecimal()]:
        raise Refused(f"{config_file} numbers its labels {', '.join(words[:10])}, which are no numbers: {WRITE}")


def _check_num_labels(config_file: Path, config: Config) -> None:
    """Refuse a num_labels that is another than there are names: transformers forgets the names then."""
    names, number = config.get("id2label"), config.get("num_labels")
    if isinstance(names, dict) and number is not None and number != len(names):
        raise Refused(
            f"{config_file}: num_labels is {number!r} and id2label has {len(names)} names, so that transformers would "
            "name them LABEL_0 and so on: take num_labels out"
        )


def _check_count(config_file: Path, labels: list[str], outputs: int) -> None:
    if outputs != len(labels) or not labels:
        raise Refused(f"{config_file} has {len(labels)} labels and the model's head has {outputs} outputs: {WRITE}")


def _check_numbers(config_file: Path, config: Config, outputs: int) -> None:
    """Refuse numbers with gaps, or that begin at 1."""
    names = config.get("id2label")
    if isinstance(names, dict) and set(names) != {str(number) for number in range(outputs)}:
        raise Refused(
            f"{config_file} numbers its labels {', '.join(list(names)[:10])}: id2label must number them from 0 to "
            f"{outputs - 1}, as the head's outputs are"
        )


def _check_names(config_file: Path, config: Config, labels: list[str]) -> None:
    """Refuse outputs without a name, and outputs that an answer could not tell apart."""
    names = config.get("id2label")
    for number, name in names.items() if isinstance(names, dict) else ():
        if not isinstance(name, str | int | float) or name == "":
            raise Refused(f"{config_file}: the label of output {number} is {name!r}, which is no name: {WRITE}")
    twice = [name for name, count in Counter(labels).items() if count > 1]
    if twice:
        raise Refused(
            f"{config_file} gives the name {twice[0]} to {labels.count(twice[0])} outputs, which no answer could tell "
            f"apart: {WRITE}"
        )
