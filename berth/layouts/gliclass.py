"""config.json of a GLiClass model: what it is by its settings, as gliclass 0.1.21 reads them, and which are served."""

from collections.abc import Mapping
from pathlib import Path

from handler.candidates.settings import LABEL_TOKEN, SCORERS, TEXT_TOKEN, CandidateSettings

from ..checkpoint_files import CONFIG, TOKENIZER, load_json
from ..errors import Refused

GLICLASS_CONFIG = "gliclass_config.json"
"""Where its settings stand once config.json is the encoder's (berth/convert/gliclass)."""
MODEL_TYPE = "GLiClass"
Config = Mapping[str, object]
# Settings that name another model, what it then is, and the values of those that are served; the first is gliclass's
# own, where a config names none.
OTHERS: Mapping[str, tuple[str, tuple[object, ...]]] = {
    "architecture_type": ("a model that does not read labels and text with one encoder", ("uni-encoder",)),
    "scorer_type": ("a model whose scorer berth does not have", SCORERS),
    "pooling_strategy": ("a model that makes a text's vector in another way", ("first", "avg")),
    "class_token_pooling": ("a model that makes a label's vector in another way", ("first", "average")),
    "use_lstm": ("a model that reads the text once more behind its encoder", (False, None)),
    "squeeze_layers": ("a model that reads all layers of its encoder", (False, None)),
    "encoder_layer_id": ("a model that reads an inner layer of its encoder", (-1, None)),
    "use_segment_embeddings": ("a model that marks what is label and what is text", (False, None)),
    "use_calibrator": ("a model with a calibrator behind its scores", (False, None)),
}
FLAGS = ("prompt_first", "embed_class_token", "extract_text_features", "normalize_features")
USUAL = {"embed_class_token": True}  # gliclass's own; of the other flags false
ACTIVATIONS = ("gelu", "gelu_new", "relu", "silu", "tanh")  # transformers' names


def is_gliclass(folder: Path) -> bool:
    """Whether the folder is a GLiClass model's."""
    return (folder / GLICLASS_CONFIG).is_file() or load_json(folder / CONFIG).get("model_type") == MODEL_TYPE


def load_gliclass(folder: Path) -> Config:
    """The model's settings; Refused where they are of a model that is not served, naming the one that says so."""
    path = next(each for each in (folder / GLICLASS_CONFIG, folder / CONFIG) if each.is_file())
    config = load_json(path)
    for name, (what, served) in OTHERS.items():
        value = config.get(name, served[0])
        if value not in served:
            raise Refused(
                f"{folder / CONFIG}: {name} is {value}, so it is {what}; berth serves GLiClass models that read labels "
                f"and text with one encoder (uni-encoder; scorers {', '.join(SCORERS)}): serve {folder.name} with the "
                "package gliclass"
            )
    return config


def candidate_settings(folder: Path) -> CandidateSettings:
    """How the model reads and scores labels; Refused where a setting is of another kind, or tokens are missing."""
    config = load_gliclass(folder)
    flags = {name: config.get(name, USUAL.get(name, False)) for name in FLAGS}
    if wrong := [name for name, value in flags.items() if type(value) is not bool]:
        raise Refused(f"{folder / CONFIG}: {wrong[0]} is {flags[wrong[0]]!r}, and must be true or false")
    activation = config.get("projector_hidden_act", "gelu")
    if activation not in ACTIVATIONS:
        raise Refused(f"{folder / CONFIG}: projector_hidden_act is {activation}; berth has {', '.join(ACTIVATIONS)}")
    ids = _token_ids(folder, config)
    return CandidateSettings(
        label_id=ids[LABEL_TOKEN],
        text_id=ids[TEXT_TOKEN],
        labels_first=flags["prompt_first"] is True,
        reads_label_token=flags["embed_class_token"] is True,
        averages_labels=config.get("class_token_pooling") == "average",
        averages_text=config.get("pooling_strategy") == "avg",
        reads_text_alone=flags["extract_text_features"] is True,
        normalizes=flags["normalize_features"] is True,
        activation=str(activation),
        scorer=str(config.get("scorer_type", SCORERS[0])),
    )


def _token_ids(folder: Path, config: Config) -> dict[str, int]:
    """The numbers of the two tokens; Refused where the tokenizer has others than the model was trained with."""
    added = load_json(folder / TOKENIZER).get("added_tokens")
    found = {each.get("content"): each.get("id") for each in added} if isinstance(added, list) else {}
    for token, name in ((LABEL_TOKEN, "class_token_index"), (TEXT_TOKEN, "text_token_index")):
        if type(found.get(token)) is not int or config.get(name, -1) not in (-1, found[token]):
            raise Refused(
                f"{folder / TOKENIZER} numbers {token} {found.get(token)}, and {name} is {config.get(name)} in "
                f"{CONFIG}: save model and tokenizer again, as gliclass's training does"
            )
    return {token: found[token] for token in (LABEL_TOKEN, TEXT_TOKEN)}
