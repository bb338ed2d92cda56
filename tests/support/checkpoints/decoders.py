"""A small Qwen3-Embedding as it is published: a decoder, whose tokenizer ends a text and begins none."""

import json
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, normalizers, processors
from transformers import AutoConfig, AutoModel, AutoTokenizer

from . import spread, tokens

# Qwen/Qwen3-Embedding-0.6B but for the sizes: heads of another size than their part of the width, keys that are shared.
QWEN3: dict[str, Any] = {
    **{"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 3, "max_position_embeddings": 512},
    **{"num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 32, "rms_norm_eps": 1e-6},
    **{"rope_parameters": {"rope_type": "default", "rope_theta": 1_000_000.0}, "tie_word_embeddings": True},
}
QUERY = "Instruct: Given a web search query, retrieve relevant passages that answer the query\nQuery:"
END = "<|endoftext|>"
SPECIAL_TOKENS = (END, "<|im_start|>", "<|im_end|>")
TOKENIZER_CONFIG = {
    **{"tokenizer_class": "Qwen2Tokenizer", "bos_token": None, "eos_token": "<|im_end|>", "pad_token": END},
    **{"unk_token": None, "add_bos_token": False, "add_prefix_space": False, "model_max_length": tokens.MAX_LENGTH},
}
POOLING = {
    **{"word_embedding_dimension": QWEN3["hidden_size"], "pooling_mode_cls_token": False},
    **{"pooling_mode_mean_tokens": False, "pooling_mode_lasttoken": True, "include_prompt": True},
}


def make_qwen3(folder: Path, default_prompt: str | None = None) -> Path:
    """The checkpoint in `folder`; config.json names the class that it was trained as."""
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / "tokenizer_config.json", TOKENIZER_CONFIG)
    _save_tokenizer(folder / "tokenizer.json")
    tokenizer: Any = AutoTokenizer.from_pretrained(folder)
    own = {"vocab_size": len(tokenizer), "pad_token_id": tokenizer.pad_token_id}
    torch.manual_seed(23)
    model = AutoModel.from_config(AutoConfig.for_model("qwen3", **QWEN3, **own))
    spread(model)
    model.save_pretrained(folder)
    config = json.loads((folder / "config.json").read_text("utf-8"))
    _write(folder / "config.json", config | {"architectures": ["Qwen3ForCausalLM"]})
    _save_modules(folder, default_prompt)
    return folder


def _save_tokenizer(path: Path) -> None:
    """A byte-level BPE whose template alone says that a text has an end token."""
    bpe = Tokenizer.from_str(tokens.byte_level_bpe([*SPECIAL_TOKENS]).to_str())
    bpe.normalizer = normalizers.NFC()
    template = processors.TemplateProcessing(
        single=f"$A {END}", pair=f"$A $B:1 {END}:1", special_tokens=[(END, bpe.token_to_id(END))]
    )
    bpe.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=False), template])
    bpe.save(str(path))


def _save_modules(folder: Path, default_prompt: str | None) -> None:
    """What sentence-transformers reads: the last token's vector, normalised, with an instruction for queries."""
    kinds = {"Transformer": "", "Pooling": "1_Pooling", "Normalize": "2_Normalize"}
    steps = [
        {"idx": index, "name": str(index), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for index, (kind, path) in enumerate(kinds.items())
    ]
    _write(folder / "modules.json", steps)
    (folder / "1_Pooling").mkdir()
    _write(folder / "1_Pooling" / "config.json", POOLING)
    prompts = {"prompts": {"query": QUERY, "document": ""}, "default_prompt_name": default_prompt}
    _write(folder / "config_sentence_transformers.json", prompts | {"similarity_fn_name": "cosine"})


def _write(path: Path, content: object) -> None:
    path.write_text(json.dumps(content), "utf-8")
