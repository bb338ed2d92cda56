"""The layouts of 2019 get today's config.json: bert_config.json's, and a config.json without a model_type.

pytorch-pretrained-bert wrote bert_config.json, vocab.txt and pytorch_model.bin; pytorch-transformers 1 a config.json
that says neither type nor architecture. Both are told by the names of the weights, which transformers still reads,
LayerNorm.gamma and beta too. The pickles are safetensors by then.
"""

import json
import re
from pathlib import Path

from ..checkpoint_files import CONFIG, TOKENIZER_CONFIG, WEIGHTS, check_whole, load_json
from ..errors import Refused
from ..progress import Progress
from ..safetensors_header import read_header
from .folders import transformer_of

OLD_CONFIG, VOCABULARY = "bert_config.json", "vocab.txt"
FIELDS = ("hidden_size", "num_hidden_layers", "num_attention_heads")
FAMILIES = {"bert": "Bert", "roberta": "Roberta"}
"""Types by the beginning of their weights' names, and how their classes begin."""
# Heads by the beginnings of their weights' names, the telling first. A `classifier` may be one of texts, of tokens or
# of choices: the user says which.
HEADS = (
    ("cls.seq_relationship.", "ForPreTraining"),
    ("cls.predictions.", "ForMaskedLM"),
    ("lm_head.", "ForMaskedLM"),
    ("qa_outputs.", "ForQuestionAnswering"),
    ("classifier.out_proj.", "ForSequenceClassification"),
    ("classifier.", ""),
)
CAPITAL = re.compile(r"(?m)^(?!\[)(?:##)?[a-z]*[A-Z]")
Shapes = dict[str, tuple[int, ...]]


def applies(folder: Path) -> bool:
    """Whether the configuration is one of 2019's."""
    transformer = transformer_of(folder)
    if not (transformer / CONFIG).is_file():
        return (transformer / OLD_CONFIG).is_file()
    config = load_json(transformer / CONFIG)
    return "model_type" not in config and all(field in config for field in FIELDS)


def convert(folder: Path, _progress: Progress) -> str:
    """Write config.json by the names of the weights, and say whether the tokenizer lowers."""
    transformer = transformer_of(folder)
    old = next(name for name in (CONFIG, OLD_CONFIG) if (transformer / name).is_file())
    config, shapes = load_json(transformer / old), _shapes(transformer)
    family = _family(transformer / old, shapes)
    ending = _ending(shapes)
    config |= {"model_type": family}
    if ending is not None:
        config |= {"architectures": [FAMILIES[family] + ending]}
    if (rows := shapes.get("classifier.weight")) and "id2label" not in config:
        config |= {"id2label": {str(label): f"LABEL_{label}" for label in range(rows[0])}}
    _replace(transformer / CONFIG, config)
    lowers = _say_whether_it_lowers(transformer, config) if family == "bert" else ""
    return f"{CONFIG} was made of {old} and the names of the weights{lowers}"


def _shapes(transformer: Path) -> Shapes:
    """The weights' shapes by name; Refused where they cannot be read."""
    path = transformer / WEIGHTS
    if not path.is_file():
        raise Refused(f"{transformer} has no {WEIGHTS} and no pytorch_model.bin: download the checkpoint again")
    check_whole(path)
    try:
        with path.open("rb") as file:
            return {name: tensor.shape for name, tensor in read_header(file, str(path)).items()}
    except ValueError as error:
        raise Refused(f"{error}; download the checkpoint again") from error


def _family(config: Path, shapes: Shapes) -> str:
    """The type of model that the weights are of; without any prefix they are a BertModel's own."""
    for family in FAMILIES:
        if any(name.startswith(f"{family}.embeddings.") for name in shapes):
            return family
    if config.name == OLD_CONFIG and any(name.startswith("embeddings.") for name in shapes):
        return "bert"
    raise Refused(
        f"{config} names no model_type, and the weights beside it are neither BERT's nor RoBERTa's by their names: "
        "write the model_type and architectures of the class that it was trained with into config.json"
    )


def _ending(shapes: Shapes) -> str | None:
    """How the architecture's name ends by the head among the weights; None where only the user can tell."""
    for beginning, ending in HEADS:
        if any(name.startswith(beginning) for name in shapes):
            return ending or None
    return "Model"


def _say_whether_it_lowers(transformer: Path, config: dict[str, object]) -> str:
    """Write tokenizer_config.json where it is missing: the layout did not say whether the tokenizer lowers texts."""
    vocabulary = transformer / VOCABULARY
    if (transformer / TOKENIZER_CONFIG).exists() or not vocabulary.is_file():
        return ""
    check_whole(vocabulary)
    is_cased = CAPITAL.search(vocabulary.read_text("utf-8", "replace")) is not None
    settings = {"tokenizer_class": "BertTokenizer", "do_lower_case": not is_cased}
    _replace(
        transformer / TOKENIZER_CONFIG, settings | {"model_max_length": config.get("max_position_embeddings", 512)}
    )
    return f"; texts {'keep their capitals' if is_cased else 'are lowered'}, as {VOCABULARY} has {_capitals(is_cased)}"


def _capitals(is_cased: bool) -> str:
    return "capitals" if is_cased else "none"


def _replace(path: Path, content: dict[str, object]) -> None:
    """Write JSON as a new file: the one that is there may be a hard link to the user's own."""
    path.unlink(missing_ok=True)
    path.write_text(json.dumps(content, indent=2), "utf-8")
