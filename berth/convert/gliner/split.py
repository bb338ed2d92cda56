"""A model's weights in two: its encoder's, as transformers reads them, and those of the layers behind it."""

import json
from collections.abc import Mapping
from pathlib import Path

from ...checkpoint_files import CONFIG, WEIGHTS
from ...stored_tensors import Stored, write_safetensors

EMBEDDINGS = ("embeddings.word_embeddings.weight", "embeddings.tok_embeddings.weight")
USUAL_TYPE = "deberta-v2"  # gliner's and gliclass's own, where a config names none
Tensors = Mapping[str, Stored]


def split(folder: Path, tensors: Tensors, prefix: str, config: Mapping[str, object], behind: str) -> str:
    """Write config.json and the encoder's tensors, and all others to the folder `behind`; say where those are.

    `prefix`: of the names of the encoder's tensors. Its vocabulary gets as many words as its embeddings have rows.
    """
    encoder = {name.removeprefix(prefix): each for name, each in tensors.items() if name.startswith(prefix)}
    rows = next((each.entry.shape[0] for name, each in encoder.items() if name.endswith(EMBEDDINGS)), None)
    whole = {"model_type": USUAL_TYPE, **config, **({"vocab_size": rows} if rows else {})}
    (folder / CONFIG).unlink(missing_ok=True)  # the file may be a link to the user's own
    (folder / CONFIG).write_text(json.dumps(whole, ensure_ascii=False, indent=2) + "\n", "utf-8")
    (folder / behind).mkdir()
    head = {name: each for name, each in tensors.items() if not name.startswith(prefix)}
    write_safetensors(head, folder / behind / WEIGHTS)
    write_safetensors(encoder, folder / f"encoder-{WEIGHTS}").replace(folder / WEIGHTS)
    return f"{behind}/{WEIGHTS} has the layers behind it"
