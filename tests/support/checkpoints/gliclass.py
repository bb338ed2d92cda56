"""Small GLiClass models as gliclass (0.1.21) publishes them, made by plain torch: seeded, random weights."""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from transformers import AutoModel, AutoTokenizer

from berth.convert.convert import converted
from berth.pack.load_checkpoint import load_checkpoint
from berth.progress import Silence
from handler.config import HandlerConfig, Task

from . import make_checkpoint

TOKENS = ["<<LABEL>>", "<<SEP>>", "<<EXAMPLE>>"]
MLP_WIDTH = 256  # gliclass's own; no setting reaches it
CONFIG: dict[str, Any] = {
    "model_type": "GLiClass",
    "architectures": ["GLiClassModel"],
    "architecture_type": "uni-encoder",
    "encoder_model_name": "microsoft/deberta-v3-small",
    "scorer_type": "simple",
    "pooling_strategy": "first",
    "class_token_pooling": "first",
    "prompt_first": True,
    "embed_class_token": True,
    "extract_text_features": False,
    "normalize_features": False,
    "projector_hidden_act": "gelu",
    "logit_scale_init_value": 2.6592,
    "use_lstm": False,
    "squeeze_layers": False,
    "layer_wise": False,
    "encoder_layer_id": -1,
    "shuffle_labels": True,
    "max_num_classes": 25,
    "problem_type": "multi_label_classification",
}


def make_gliclass(
    folder: Path, architecture: str = "deberta-v2", *, pickled: bool = False, scale: float = 2, **settings: Any
) -> Path:
    """A model in `folder`; `settings` go to config.json; `pickled`: its weights are a pytorch_model.bin.

    `scale`: how much larger what is behind the encoder is than torch would begin with, so that scores differ.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as base:
        make_checkpoint(Path(base), architecture, Task.EMBEDDINGS)
        tokenizer, encoder = AutoTokenizer.from_pretrained(base), AutoModel.from_pretrained(base)
    tokenizer.add_tokens(TOKENS, special_tokens=True)
    if architecture == "deberta-v2":
        tokenizer.model_max_length = int(1e30)  # as microsoft/deberta-v3-base says
    torch.manual_seed(31)
    encoder.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    tokenizer.save_pretrained(folder)
    numbers = dict(zip(("class_token_index", "text_token_index", "example_token_index"), _ids(tokenizer), strict=True))
    width = encoder.config.hidden_size
    config = CONFIG | numbers | {"hidden_size": width, "vocab_size": len(tokenizer)} | settings
    config["encoder_config"] = encoder.config.to_dict()
    (folder / "config.json").write_text(json.dumps(config, indent=2), "utf-8")
    weights = {f"model.encoder_model.{name}": each for name, each in encoder.state_dict().items()}
    weights |= {f"model.{name}": each for name, each in make_head(config, width, scale).items()}
    if pickled:
        torch.save(weights, folder / "pytorch_model.bin")
    else:
        save_file(weights, folder / "model.safetensors", {"format": "pt"})
    return folder


def _ids(tokenizer: Any) -> list[int]:
    found: list[int] = tokenizer.convert_tokens_to_ids(TOKENS)
    return found


def make_head(config: dict[str, Any], width: int, scale: float) -> dict[str, Tensor]:
    """The layers behind the encoder, by gliclass's names."""
    scorers: dict[str, dict[str, tuple[int, int]]] = {
        "simple": {},
        "weighted-dot": {
            "scorer.proj_text": (width, 2 * width),
            "scorer.proj_label": (width, 2 * width),
            "scorer.out_mlp.0": (3 * width, 4 * width),
            "scorer.out_mlp.3": (4 * width, 1),
        },
        "mlp": {
            "scorer.mlp.0": (2 * width, MLP_WIDTH),
            "scorer.mlp.2": (MLP_WIDTH, MLP_WIDTH // 2),
            "scorer.mlp.4": (MLP_WIDTH // 2, 1),
        },
    }
    layers = {f"{name}.linear_{n}": (width, width) for name in ("text_projector", "classes_projector") for n in (1, 2)}
    weights = {"logit_scale": torch.tensor(config["logit_scale_init_value"])}
    for name, sizes in (layers | scorers[config["scorer_type"]]).items():
        for kind, each in nn.Linear(*sizes).state_dict().items():
            weights[f"{name}.{kind}"] = (scale * each).contiguous()
    return weights


@contextmanager
def converted_gliclass(folder: Path) -> Iterator[tuple[Path, HandlerConfig]]:
    """A model's folder as an archive has it, and the settings that it is served with."""
    with converted(folder, Silence()) as ready:
        checkpoint = load_checkpoint(ready.folder, None)
        config = HandlerConfig(task=checkpoint.task, max_tokens=checkpoint.max_tokens, candidates=checkpoint.candidates)
        yield checkpoint.root, config
