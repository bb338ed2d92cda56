"""Models that were published with code of their own, and whose class transformers has by now; and some that it has not.

The weights are a native model's, which transformers saves by their published names; config.json is the published one.
"""

import json
import shutil
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from handler.config import Task
from tests.support.checkpoints import make_checkpoint, spread, tokens
from tests.support.checkpoints.published import published

from ..kind import Kind, Numbers
from .sentence import change, vectors

SIZES = {"hidden_size": 64, "num_hidden_layers": 3, "num_attention_heads": 4, "max_position_embeddings": 512}
# The published NTK scaling by 8 of a base of 20000, for heads of 16: kexue.fm/archives/9706.
GTE_ROPE = {"rope_type": "linear", "rope_theta": 160000.0, "factor": 1.2968395546510096}
NATIVE: Mapping[str, dict[str, Any]] = {
    "nomic_bert": SIZES | {"intermediate_size": 256, "type_vocab_size": 2},
    "gte": SIZES | {"intermediate_size": 128, "type_vocab_size": 1, "rope_parameters": GTE_ROPE},
    "eurobert": SIZES
    | {"intermediate_size": 128, "num_key_value_heads": 2}
    | {"rope_parameters": {"rope_type": "default", "rope_theta": 250000.0}, "bos_token_id": 1, "eos_token_id": 2},
}
TOKENIZERS = {"nomic_bert": "bert", "gte": "xlm-roberta", "eurobert": "modernbert"}
NAMES = {
    "nomic_bert": {"encoder.layers.0.attn.Wqkv.weight", "encoder.layers.2.mlp.fc11.weight", "emb_ln.bias"},
    "gte": {"encoder.layer.0.attention.qkv_proj.bias", "encoder.layer.2.mlp.up_gate_proj.weight"},
    "eurobert": {"embed_tokens.weight", "layers.2.mlp.gate_proj.weight", "norm.weight"},
}
"""Some of the published names, by which the published files have their weights."""
ARCTIC: Mapping[str, object] = {
    "architectures": ["GteModel"],
    "auto_map": {
        "AutoConfig": "configuration_hf_alibaba_nlp_gte.GteConfig",
        "AutoModel": "modeling_hf_alibaba_nlp_gte.GteModel",
    },
    "model_type": "gte",
}


def _publish(layout: str, changes: Mapping[str, object], folder: Path) -> str:
    """The native model in `native` beside the folder, and its published form in the folder."""
    import torch  # noqa: PLC0415 - seconds
    from safetensors import safe_open  # noqa: PLC0415
    from transformers import AutoConfig, AutoModel  # noqa: PLC0415

    native = folder.parent / "native"
    tokenizer = tokens.MAKERS[TOKENIZERS[layout]](folder)
    own = {"vocab_size": len(tokenizer), "pad_token_id": tokenizer.pad_token_id}
    torch.manual_seed(22)
    model = AutoModel.from_config(AutoConfig.for_model(layout, **NATIVE[layout], **own))
    spread(model)
    for each in (native, folder):
        model.save_pretrained(each)
        tokenizer.save_pretrained(each)
    with safe_open(folder / "model.safetensors", "pt") as weights:
        assert NAMES[layout] <= set(weights.keys())
    (folder / "config.json").write_text(json.dumps(published(layout, {**own, **changes})), "utf-8")
    return str(folder)


def _native_vectors(folder: Path, texts: Sequence[str]) -> Numbers:
    """What the native model beside the folder answers."""
    return vectors(folder.parent / "native", texts)


def _foreign_code(name: str, folder: Path) -> str:
    """A BERT that says it is of another's class, as jina-embeddings-v2 does."""
    make_checkpoint(folder, "bert", Task.EMBEDDINGS)
    change(folder / "config.json", auto_map={"AutoModel": name})
    return str(folder)


def _jina_base(folder: Path) -> str:
    """jina-embeddings-v3 without adapters, as transformers' own class saves it."""
    import torch  # noqa: PLC0415 - seconds
    from transformers import AutoConfig, AutoModel  # noqa: PLC0415

    tokenizer = tokens.MAKERS["xlm-roberta"](folder)
    own = {"vocab_size": len(tokenizer), "pad_token_id": tokenizer.pad_token_id, "intermediate_size": 128}
    torch.manual_seed(22)
    model = AutoModel.from_config(AutoConfig.for_model("jina_embeddings_v3", **SIZES, **own))
    spread(model)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)


def _unfit(layout: str, folder: Path) -> str:
    _publish(layout, {}, folder)
    shutil.rmtree(folder.parent / "native")
    change(folder / "config.json", logn_attention_scale=True)
    return str(folder)


def _served(name: str, layout: str, changes: Mapping[str, object] | None = None) -> Kind:
    return Kind(name=f"{name} as published", make=partial(_publish, layout, changes or {}), expected=_native_vectors)


KINDS = (
    _served("nomic-embed-text-v1.5", "nomic_bert"),
    _served("gte-multilingual-base", "gte"),
    _served("snowflake-arctic-embed-m-v2.0", "gte", ARCTIC),
    _served("EuroBERT", "eurobert"),
    Kind(
        name="gte with attention scaled by the length of a text",
        make=partial(_unfit, "gte"),
        sentence="would answer otherwise: logn_attention_scale is True",
    ),
    Kind(
        name="jina-embeddings-v2, whose code transformers has no class for",
        make=partial(_foreign_code, "jinaai/jina-bert-implementation--modeling_bert.JinaBertModel"),
        sentence="has an auto_map: .*ALiBi",
    ),
    Kind(
        name="jina-embeddings-v3, with an adapter for each task",
        make=partial(_foreign_code, "jinaai/xlm-roberta-flash-implementation--modeling_lora.XLMRobertaLoRA"),
        sentence="has an auto_map: .*one for each task",
    ),
    Kind(name="jina-embeddings-v3's base, saved by transformers", make=_jina_base, expected=vectors),
    Kind(
        name="NeoBERT",
        make=partial(_foreign_code, "model.NeoBERT"),
        sentence="has an auto_map: .*no class for NeoBERT",
    ),
)
