"""gliner_config.json: what a GLiNER model is by its settings, as gliner 0.2.29 reads them, and which are served."""

from collections.abc import Mapping
from pathlib import Path

from handler.spans.settings import SpanSettings

from ..checkpoint_files import load_json
from ..errors import Refused

GLINER_CONFIG = "gliner_config.json"
Config = Mapping[str, object]
# Settings that name another model, what it then is, and their values where it is not.
OTHERS: Mapping[str, tuple[str, tuple[object, ...]]] = {
    "labels_encoder": ("a bi-encoder, which reads the types of entities with a model of their own", (None,)),
    "labels_decoder": ("a model that writes the names of types with a decoder", (None,)),
    "relations_layer": ("a model of relations between entities", (None,)),
    "span_mode": ("a model that does not score spans by their two ends", ("markerV0",)),
    "subtoken_pooling": ("a model that makes a word of more than its first token", ("first",)),
    "words_splitter_type": ("a model with words of another kind", ("whitespace",)),
    "post_fusion_schema": ("a model that lets types and words look at each other behind its encoder", ("", None)),
    "fuse_layers": ("a model that reads all layers of its encoder", (False, None)),
    "span_encoder_config": ("a model with a second encoder before its spans", (None,)),
    "precomputed_prompts_mode": ("a model of types that were read beforehand", (False, None)),
}
STREAMING = "gliner_streaming_span"
NUMBERS = {"max_width": 12, "max_len": 384}  # and gliner's own defaults, as of those beneath
TOKENS = {"ent_token": "<<ENT>>", "sep_token": "<<SEP>>"}


def is_gliner(folder: Path) -> bool:
    """Whether the folder is a GLiNER model's."""
    return (folder / GLINER_CONFIG).is_file()


def load_gliner(folder: Path) -> Config:
    """gliner_config.json; Refused where it is of a model that is not served, naming the setting that says so."""
    path = folder / GLINER_CONFIG
    config = load_json(path)
    if config.get("model_type") == STREAMING:
        raise Refused(f"{path}: model_type is {STREAMING}, a decoder that reads a text as it comes; {_served(path)}")
    for name, (what, usual) in OTHERS.items():
        value = config.get(name, usual[0])
        if value not in usual:
            shown = f"{name} is {value}" if isinstance(value, str | int) else f"there is a {name}"
            raise Refused(f"{path}: {shown}, so it is {what}; {_served(path)}")
    return config


def _served(path: Path) -> str:
    return (
        "berth serves GLiNER models that read types and text with one encoder and score spans of words (span_mode "
        f"markerV0), such as gliner_small, medium and large v2.1: serve {path.parent.name} with the package gliner"
    )


def span_settings(folder: Path) -> SpanSettings:
    """How the model reads words and types; Refused where a setting is of another kind."""
    config = load_gliner(folder)
    numbers = {name: config.get(name, usual) for name, usual in NUMBERS.items()}
    tokens = {name: config.get(name, usual) for name, usual in TOKENS.items()}
    embeds = config.get("embed_ent_token", True)
    is_right = all(type(each) is int and each > 0 for each in numbers.values())
    if not is_right or not all(isinstance(each, str) and each for each in tokens.values()) or type(embeds) is not bool:
        raise Refused(
            f"{folder / GLINER_CONFIG}: {', '.join({**NUMBERS, **TOKENS})} must be whole numbers from 1 and tokens, "
            "and embed_ent_token true or false: download the model again"
        )
    return SpanSettings(
        max_width=int(str(numbers["max_width"])),
        max_words=int(str(numbers["max_len"])),
        type_token=str(tokens["ent_token"]),
        text_token=str(tokens["sep_token"]),
        reads_type_token=embeds,
    )
