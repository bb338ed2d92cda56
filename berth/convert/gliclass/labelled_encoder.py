"""The encoder of a GLiClass model is taken out of its weights, with the config.json that transformers reads.

What is behind the encoder goes to a folder of its own, in gliclass's own names, and the model's settings to a file
beside the encoder's.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from handler.candidates.settings import HEAD_FOLDER, LABEL_TOKEN, TEXT_TOKEN

from ...checkpoint_files import CONFIG, TOKENIZER, WEIGHTS, load_json
from ...errors import Refused
from ...layouts.gliclass import GLICLASS_CONFIG, is_gliclass, load_gliclass
from ...progress import Progress
from ...stored_tensors import stored_tensors
from ..gliner.split import Tensors, split

PREFIX = "model."
OWN_TOKENS = (LABEL_TOKEN, TEXT_TOKEN)
ENCODER = "encoder_model."
PROJECTORS = tuple(f"{name}.linear_{layer}" for name in ("text_projector", "classes_projector") for layer in (1, 2))
SCORERS: Mapping[object, tuple[str, ...]] = {
    "simple": (),
    "weighted-dot": tuple(f"scorer.{name}" for name in ("proj_text", "proj_label", "out_mlp.0", "out_mlp.3")),
    "mlp": ("scorer.mlp.0", "scorer.mlp.2", "scorer.mlp.4"),
}


def applies(folder: Path) -> bool:
    """Whether it is a GLiClass model whose encoder lies among its other weights; Refused when it is not served."""
    if not is_gliclass(folder) or (folder / GLICLASS_CONFIG).is_file():
        return False
    load_gliclass(folder)
    return True


def convert(folder: Path, progress: Progress) -> str:
    """Write the encoder's files in the place of the model's, and what is behind it beside them."""
    progress.begin("taking the encoder out")
    tensors, encoder = _read(folder), load_json(folder / CONFIG).get("encoder_config")
    if not isinstance(encoder, dict):
        raise Refused(f"{folder / CONFIG} has no encoder_config: save the model again with gliclass's save_pretrained")
    (folder / CONFIG).replace(folder / GLICLASS_CONFIG)
    where = split(folder, tensors, ENCODER, encoder, HEAD_FOLDER)
    marked = "; its two tokens were made special ones" if _make_special(folder / TOKENIZER) else ""
    return f"the encoder was taken out of the GLiClass model; {where}{marked}"


def _make_special(path: Path) -> bool:
    """Make the tokens beside labels ones that no other spelling becomes; whether the tokenizer had them as ordinary."""
    tokenizer = load_json(path)
    added = tokenizer.get("added_tokens")
    found = [each for each in added if each.get("content") in OWN_TOKENS] if isinstance(added, list) else []
    ordinary = [each for each in found if each.get("normalized") or not each.get("special")]
    for each in ordinary:
        each |= {"normalized": False, "special": True}
    if ordinary:
        path.unlink()  # it may be a link to the user's own
        path.write_text(json.dumps(tokenizer, ensure_ascii=False), "utf-8")
    return bool(ordinary)


def _read(folder: Path) -> Tensors:
    """Every tensor of the model; Refused where some are missing, or are of another model's layers."""
    path = folder / WEIGHTS
    if not path.is_file():
        raise Refused(f"{folder} has no {WEIGHTS} and no pytorch_model.bin, as GLiClass has: download it again")
    tensors = {name.removeprefix(PREFIX): each for name, each in stored_tensors([path]).items()}
    layers = (*PROJECTORS, *SCORERS[load_gliclass(folder).get("scorer_type", "simple")])
    wanted = ["logit_scale", *(f"{layer}.{kind}" for layer in layers for kind in ("weight", "bias"))]
    missing = [name for name in wanted if name not in tensors]
    if not any(name.startswith(ENCODER) for name in tensors):
        missing = [f"{ENCODER}*"]
    if missing:
        raise Refused(
            f"{path} has no {PREFIX}{missing[0]}, which a GLiClass model with these settings has: load it with the "
            "package gliclass, save it with save_pretrained, and pack that"
        )
    if others := sorted(name for name in tensors if not name.startswith((ENCODER, *wanted))):
        raise Refused(f"{path} has {PREFIX}{others[0]}, which berth has no place for: serve it with gliclass")
    return tensors
