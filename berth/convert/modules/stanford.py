"""Stanford's ColBERT becomes a folder as PyLate saves it: its projection lies among the encoder's weights.

The settings are those of artifact.metadata; where that says nothing, lengths are PyLate's (berth/pack/sentence/late.py)
and the rest is ColBERTConfig's.
"""

import string
from pathlib import Path

from ...checkpoint_files import CONFIG, WEIGHTS, load_json
from ...errors import Refused
from ...layouts.sentence import MODEL_FILE, MODULES_FILE
from ...progress import Progress
from ..tokenizer.saved import replace_json

ARCHITECTURE, METADATA, PROJECTION = "HF_ColBERT", "artifact.metadata", "linear.weight"
DENSE = "1_Dense"


def applies(folder: Path) -> bool:
    """Whether config.json names Stanford's class."""
    return load_json(folder / CONFIG).get("architectures") == [ARCHITECTURE]


def convert(folder: Path, progress: Progress) -> str:
    """Write the projection as a Dense module, and the settings; Refused where there is no projection."""
    progress.begin("converting the weights")
    if not (folder / WEIGHTS).is_file():
        raise Refused(f"{folder} has no {WEIGHTS}: save the model as one file of safetensors")
    from safetensors.torch import load_file, save_file  # noqa: PLC0415 - seconds

    tensors = load_file(folder / WEIGHTS)
    if (projection := tensors.pop(PROJECTION, None)) is None:
        raise Refused(f"{folder / WEIGHTS} has no {PROJECTION}, which makes ColBERT's vectors: download it again")
    width, hidden = projection.shape
    (folder / DENSE).mkdir(exist_ok=True)
    save_file({PROJECTION: projection.clone()}, folder / DENSE / WEIGHTS)
    replace_json(folder / DENSE / CONFIG, _dense(hidden, width))
    (folder / WEIGHTS).unlink()  # it may be a link to the user's own
    save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})
    replace_json(folder / CONFIG, load_json(folder / CONFIG) | {"architectures": ["BertModel"]})
    replace_json(folder / MODEL_FILE, _settings(load_json(folder / METADATA)))
    replace_json(folder / MODULES_FILE, MODULES)
    return f"{PROJECTION} of Stanford's ColBERT became a module, and {METADATA} its settings"


def _dense(hidden: int, width: int) -> dict[str, object]:
    activation = "torch.nn.modules.linear.Identity"
    return {"in_features": hidden, "out_features": width, "bias": False, "activation_function": activation}


def _settings(metadata: dict[str, object]) -> dict[str, object]:
    """artifact.metadata in PyLate's words."""
    return {
        "query_prefix": metadata.get("query_token_id") or "[unused0]",
        "document_prefix": metadata.get("doc_token_id") or "[unused1]",
        "query_length": metadata.get("query_maxlen"),
        "document_length": metadata.get("doc_maxlen"),
        "attend_to_expansion_tokens": bool(metadata.get("attend_to_mask_tokens")),
        "skiplist_words": list(string.punctuation) if metadata.get("mask_punctuation", True) else [],
    }


MODULES = [
    {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
    {"idx": 1, "name": "1", "path": DENSE, "type": "pylate.models.Dense.Dense"},
]
