"""Checkpoints whose config.json names code of their own get that of transformers' class, where it computes the same.

Told by the classes that `auto_map` names, never by `model_type`: jina-embeddings-v2 says `bert`, and is none. The code
itself is neither run nor read.
"""

import json
from collections.abc import Iterator
from pathlib import Path

from ...checkpoint_files import CONFIG, load_json
from ...errors import Refused
from ...progress import Progress
from ..folders import transformer_of
from .eurobert import EUROBERT
from .family import Config, Differs, Family, native_config
from .gte import GTE
from .nomic import NOMIC, NOMIC_SAVED

REASONS = {
    "JinaBert": "transformers has no class with jina-embeddings-v2's ALiBi positions; a proof would need answers of "
    "the published code to known texts, and an attention that adds the distances within each text",
    "XLMRobertaLoRA": "transformers' class for jina-embeddings-v3 has no adapters, and these weights have one for each "
    "task: a proof would need the published answers of a task, and its adapter merged into the base. The base alone "
    "packs where transformers has saved it (model_type jina_embeddings_v3), and answers as for none of the tasks",
    "XLMRobertaFlash": "the code of jina-reranker-v2 and jina-colbert-v2 names XLM-RoBERTa's weights otherwise (Wqkv, "
    "mixer), and transformers' class would make up its own in the place of them: a proof would need these names in "
    "transformers' own, and answers of the published code to known texts",
    "NeoBERT": "transformers has no class for NeoBERT, with a norm before each layer, SwiGLU and rotary positions; a "
    "proof would need answers of the published code to known texts, or such a class",
}
"""What keeps known models from being served, and what a proof would need, by how the names of their classes begin."""


def applies(folder: Path) -> bool:
    """Whether config.json names code, and transformers has a class of its own for it."""
    return _family(load_json(transformer_of(folder) / CONFIG)) is not None


def convert(folder: Path, _progress: Progress) -> str:
    """Write config.json for transformers' class; Refused where a setting would make its answers others."""
    path = transformer_of(folder) / CONFIG
    config = load_json(path)
    family = _family(config)
    assert family is not None
    try:
        native = native_config(family, config)
    except Differs as differs:
        raise Refused(
            f"{path} has an auto_map, and transformers' own class for it would answer otherwise: {differs}; berth "
            "never runs a checkpoint's code: take another checkpoint for the same task"
        ) from differs
    path.unlink()  # the file may be a link to the user's own
    path.write_text(json.dumps(native, ensure_ascii=False, indent=2) + "\n", "utf-8")
    return f"{CONFIG} names code of its own, which is never run; the model is transformers' own {family.model_type}"


def why_not_native(config: Config) -> str | None:
    """What keeps a known model with an auto_map from being served, in words; None for one that is not known."""
    classes = tuple(_classes(config))
    return next((why for name, why in REASONS.items() if any(each.startswith(name) for each in classes)), None)


def _family(config: Config) -> Family | None:
    """The family of which all models named by `auto_map` are."""
    names = set(_classes(config))
    if names & {"NomicBertModel"}:
        return NOMIC if "n_embd" in config else NOMIC_SAVED
    if names & set(GTE.architectures):
        return GTE
    return EUROBERT if names & set(EUROBERT.architectures) else None


def _classes(config: Config) -> Iterator[str]:
    """The names of the classes in `auto_map`, without the repositories and files that they lie in."""
    mapping = config.get("auto_map")
    for target in mapping.values() if isinstance(mapping, dict) else ():
        yield str(target).rpartition(".")[2]
