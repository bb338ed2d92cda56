"""Small, seeded, real checkpoints for late interaction, as PyLate and Stanford's ColBERT save them."""

import json
import shutil
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from handler.config import Task
from tests.support.checkpoints import make_checkpoint

WIDTH = 24
DENSE = {"bias": False, "activation_function": "torch.nn.modules.linear.Identity"}
MODULES = ("sentence_transformers.models.Transformer", "pylate.models.Dense.Dense")
PYLATE: dict[str, Any] = {
    "query_prefix": "[Q] ",
    "document_prefix": "[D] ",
    "query_length": 16,
    "document_length": 40,
    "attend_to_expansion_tokens": False,
    "skiplist_words": list(".,!?-'"),
    "do_query_expansion": True,
    "similarity_fn_name": "MaxSim",
    "prompts": {},
    "default_prompt_name": None,
}


def make_pylate(folder: Path, *, architecture: str = "bert", **settings: Any) -> Path:
    """As PyLate 1.6 saves it: markers among the tokens and the embeddings, a Dense module, settings in one file."""
    from transformers import AutoModel, AutoTokenizer  # noqa: PLC0415 - seconds

    base = make_checkpoint(folder.parent / f"{folder.name}-base", architecture, Task.EMBEDDINGS)
    tokenizer: Any = AutoTokenizer.from_pretrained(base)
    model = AutoModel.from_pretrained(base)
    tokenizer.add_tokens(["[Q] ", "[D] "])
    torch.manual_seed(8)
    model.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    folder.mkdir(exist_ok=True)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    _add_dense(folder, model.config.hidden_size)
    steps = [{"idx": place, "name": str(place), "path": "", "type": kind} for place, kind in enumerate(MODULES)]
    steps[1]["path"] = "1_Dense"
    (folder / "modules.json").write_text(json.dumps(steps), "utf-8")
    (folder / "sentence_bert_config.json").write_text('{"max_seq_length": 39, "do_lower_case": false}', "utf-8")
    (folder / "config_sentence_transformers.json").write_text(json.dumps(PYLATE | settings), "utf-8")
    return folder


def make_multi_vector(folder: Path, **settings: Any) -> Path:
    """As sentence-transformers 6 saves it: MultiVectorEncoder, of the same model."""
    from sentence_transformers import MultiVectorEncoder  # noqa: PLC0415 - seconds

    of_pylate = make_pylate(folder.parent / f"{folder.name}-pylate", **settings)
    model = MultiVectorEncoder(str(of_pylate), device="cpu", local_files_only=True)
    model.save_pretrained(str(folder), create_model_card=False)
    return folder


def _add_dense(folder: Path, hidden: int) -> torch.Tensor:
    torch.manual_seed(9)
    matrix = torch.randn(WIDTH, hidden) / 8
    (folder / "1_Dense").mkdir()
    save_file({"linear.weight": matrix}, folder / "1_Dense" / "model.safetensors")
    settings = {"in_features": hidden, "out_features": WIDTH, **DENSE}
    (folder / "1_Dense" / "config.json").write_text(json.dumps(settings), "utf-8")
    return matrix


def make_stanford(folder: Path, **metadata: object) -> Path:
    """As colbert-ir/colbertv2.0 is published: BERT's weights below `bert.`, the projection beside them."""
    base = make_checkpoint(folder.parent / f"{folder.name}-base", "bert", Task.EMBEDDINGS)
    shutil.copytree(base, folder, dirs_exist_ok=True)
    tensors = {f"bert.{name}": tensor for name, tensor in load_file(folder / "model.safetensors").items()}
    config = json.loads((folder / "config.json").read_text("utf-8"))
    torch.manual_seed(9)
    tensors["linear.weight"] = torch.randn(WIDTH, config["hidden_size"]) / 8
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "config.json").write_text(json.dumps(config | {"architectures": ["HF_ColBERT"]}), "utf-8")
    told = {"query_maxlen": 16, "doc_maxlen": 40, "mask_punctuation": True, "attend_to_mask_tokens": False}
    (folder / "artifact.metadata").write_text(json.dumps(told | metadata), "utf-8")
    return folder
