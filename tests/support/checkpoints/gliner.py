"""Small GLiNER models as the package gliner (0.2.29) publishes them, made by plain torch: seeded, random weights."""

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

HIDDEN = 48
ENCODER = "token_rep_layer.bert_layer.model."
TOKENS = ["[FLERT]", "<<ENT>>", "<<SEP>>"]
CONFIG: dict[str, Any] = {
    "model_name": "microsoft/deberta-v3-small",
    "hidden_size": HIDDEN,
    "max_width": 12,
    "max_len": 384,
    "span_mode": "markerV0",
    "subtoken_pooling": "first",
    "words_splitter_type": "whitespace",
    "num_rnn_layers": 1,
    "embed_ent_token": True,
    "ent_token": "<<ENT>>",
    "sep_token": "<<SEP>>",
    "model_type": "gliner_uni_encoder_span",
}


def make_gliner(
    folder: Path,
    architecture: str = "deberta-v2",
    *,
    pickled: bool = False,
    seed: int = 22,
    scale: float = 2,
    **settings: Any,
) -> Path:
    """A model in `folder`; `settings` go to gliner_config.json; `pickled`: its weights are a pytorch_model.bin.

    `seed`: of what is behind the encoder; `scale`: how much larger that is than torch would begin with, so that scores
    differ.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as base:
        make_checkpoint(Path(base), architecture, Task.EMBEDDINGS)
        tokenizer, encoder = AutoTokenizer.from_pretrained(base), AutoModel.from_pretrained(base)
    tokenizer.add_tokens(TOKENS, special_tokens=True)
    if architecture == "deberta-v2":
        tokenizer.model_max_length = int(1e30)  # as microsoft/deberta-v3-base says
    torch.manual_seed(seed)
    encoder.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    tokenizer.save_pretrained(folder)
    config = CONFIG | {"class_token_index": len(tokenizer) - 2, "vocab_size": len(tokenizer)} | settings
    config["encoder_config"] = encoder.config.to_dict()
    (folder / "gliner_config.json").write_text(json.dumps(config, indent=2), "utf-8")
    weights = {f"{ENCODER}{name}": tensor for name, tensor in encoder.state_dict().items()}
    weights |= make_head(config, encoder.config.hidden_size, scale)
    if pickled:
        torch.save(weights, folder / "pytorch_model.bin")
    else:
        save_file(weights, folder / "model.safetensors")
    return folder


def make_head(config: dict[str, Any], encoder_width: int, scale: float) -> dict[str, Tensor]:
    """The layers behind the encoder, by gliner's names."""
    hidden = config["hidden_size"]
    modules: dict[str, nn.Module] = {
        "span_rep_layer.span_rep_layer.project_start": _two_layers(hidden, hidden),
        "span_rep_layer.span_rep_layer.project_end": _two_layers(hidden, hidden),
        "span_rep_layer.span_rep_layer.out_project": _two_layers(2 * hidden, hidden),
        "prompt_rep_layer": _two_layers(hidden, hidden),
    }
    if encoder_width != hidden:
        modules["token_rep_layer.projection"] = nn.Linear(encoder_width, hidden)
    if layers := config["num_rnn_layers"]:
        modules["rnn.lstm"] = nn.LSTM(hidden, hidden // 2, layers, bidirectional=True, batch_first=True)
    found = {f"{name}.{own}": each for name, module in modules.items() for own, each in module.state_dict().items()}
    return {name: (scale * each).contiguous() for name, each in found.items()}


def _two_layers(width: int, out: int) -> nn.Module:
    return nn.Sequential(nn.Linear(width, 4 * out), nn.ReLU(), nn.Dropout(0.4), nn.Linear(4 * out, out))


@contextmanager
def converted_gliner(folder: Path) -> Iterator[tuple[Path, HandlerConfig]]:
    """A model's folder as an archive has it, and the settings that it is served with."""
    with converted(folder, Silence()) as ready:
        checkpoint = load_checkpoint(ready.folder, None)
        config = HandlerConfig(task=checkpoint.task, max_tokens=checkpoint.max_tokens, spans=checkpoint.spans)
        yield checkpoint.root, config
